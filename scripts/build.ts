/** Compiles src/ into dist/, builds the console's pages, and checks what the compiler does not: that every thread's file is where its URL says. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
compile()
await build({ configFile: join(root, 'src', 'console', 'web', 'vite.config.ts'), logLevel: 'warn' })
checkUrls()
checkKeys()
checkConsole()
// npm keeps the mode of the files that it packs; a checkout on Windows has none to keep.
chmodSync(join(root, 'bin', 'millrace.js'), 0o755)

function compile(): void {
  // The script by path, run by this Node: npx and tsc.cmd would need a shell on Windows.
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const compiler = join(dirname(manifest), 'bin', 'tsc')
  const { status, error } = spawnSync(process.execPath, [compiler, '--project', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** A thread's file is named by a URL that no compiler follows: a file renamed would be missed by the first user alone. */
function checkUrls(): void {
  const missing = globSync('**/*.js', { cwd: dist }).flatMap(file => {
    const path = join(dist, file)
    const code = readFileSync(path, 'utf8')
    const urls = [...code.matchAll(/new URL\(([^;]*?),\s*import\.meta\.url\)/gs)]
    const named = urls.flatMap(url => [...url[1]!.matchAll(/['"](\.[^'"]+\.js)['"]/g)].map(name => name[1]!))
    return named.filter(name => !existsSync(join(dirname(path), name))).map(name => `${file} names ${name}`)
  })
  if (missing.length === 0) return
  process.stderr.write(`dist/ is not whole: ${missing.join('; ')}\n`)
  process.exit(1)
}

/** The compiler renames a key of an object like the class around it (`{ Bucket: … }` in `class Bucket` became `{ _a: … }`). */
function checkKeys(): void {
  const renamed = globSync('**/*.js', { cwd: dist }).filter(file => /[{,]\s*_[a-z]: /.test(readFileSync(join(dist, file), 'utf8')))
  if (renamed.length === 0) return
  process.stderr.write(`The compiler has renamed a key like its class in ${renamed.join(', ')}: give the class another name.\n`)
  process.exit(1)
}

/** What a browser loads of the console, all pages together, is to be there at once on a poor line, too. */
function checkConsole(): void {
  const MOST_BYTES = 150_000
  const web = join(dist, 'console', 'web')
  const files = globSync('**/*', { cwd: web, withFileTypes: true }).filter(entry => entry.isFile())
  const bytes = files.reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0)
  if (bytes <= MOST_BYTES) return
  process.stderr.write(`The console is ${bytes} bytes, compressed: more than ${MOST_BYTES}.\n`)
  process.exit(1)
}
