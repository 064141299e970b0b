import { defineConfig } from 'vite'

/** The console is static files: served by the operators' listener below /console/, whatever else is on it. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  build: {
    outDir: '../../../dist/console/web',
    emptyOutDir: true,
    target: 'es2022',
    // Those that know light-dark(), since 2024: the style sheet goes to them as it is written.
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    // Without inline script and inline style, as the listener's Content-Security-Policy demands.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // `vite` beside a running pipeline: the pages are built anew as they are edited.
  server: { proxy: { '^/(v1|metrics|health|auth|openapi.json)': process.env.MILLRACE_OPS ?? 'http://127.0.0.1:7071' } },
})
