import { readFileSync } from 'node:fs'

/** Millrace's own version, as its package.json has it. */
export function packageVersion(): string {
  // Two folders up from src/runtime and from dist/runtime alike.
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string } // our own
  return manifest.version
}
