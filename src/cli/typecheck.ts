import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

/** What the user's own TypeScript says of a pipeline. */
export type TypeCheck =
  | { readonly state: 'passed'; readonly typescript: string }
  | { readonly state: 'failed'; readonly typescript: string; readonly output: string }
  | { readonly state: 'skipped'; readonly reason: string }

/** Runs the user's TypeScript over the pipeline: with the nearest tsconfig.json, else over the file alone in strict mode. Writes nothing. */
export async function typeCheck(file: string): Promise<TypeCheck> {
  const path = resolve(file)
  if (!/\.[cm]?ts$/.test(path)) return { state: 'skipped', reason: 'it is JavaScript' }
  const compiler = findCompiler(path)
  if (compiler === undefined) return { state: 'skipped', reason: 'TypeScript is not installed beside it (npm install -D typescript)' }
  const config = nearest(dirname(path), 'tsconfig.json')
  const args =
    config === undefined
      ? ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024', '--allowImportingTsExtensions', path]
      : ['--noEmit', '--project', config]
  const { code, output } = await run(compiler.script, args, config === undefined ? dirname(path) : dirname(config))
  return code === 0 ? { state: 'passed', typescript: compiler.version } : { state: 'failed', typescript: compiler.version, output }
}

function findCompiler(path: string): { script: string; version: string } | undefined {
  try {
    const manifestPath = createRequire(path).resolve('typescript/package.json')
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { version: string; bin: { tsc: string } } // the same in every release
    return { script: join(dirname(manifestPath), manifest.bin.tsc), version: manifest.version }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function nearest(folder: string, name: string): string | undefined {
  const path = join(folder, name)
  if (existsSync(path)) return path
  return dirname(folder) === folder ? undefined : nearest(dirname(folder), name)
}

function run(script: string, args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  return new Promise((settle, fail) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', fail)
    child.on('close', code => settle({ code, output: output.trim() }))
  })
}
