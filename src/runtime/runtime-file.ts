import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a running process says of itself in its data directory, for the command line to find it by. */
export interface RuntimeFile {
  readonly pid: number
  /** URL of the front end, where it is in this process. */
  readonly listen?: string
  /** URL of the operators' listener. */
  readonly ops: string
  /** Lets whoever may read this file in there, as long as the process runs. */
  readonly pass: string
  /** URL where workers attach, when an attached agent runs in this process. */
  readonly attach?: string
  /** The pipeline's name. */
  readonly pipeline: string
  /** Absolute path of the file that declares it. */
  readonly file: string
  readonly startedMs: number
}

export function runtimeFilePath(directory: string): string {
  return join(directory, 'runtime.json')
}

/** Atomic: a reader sees the whole of it or none. For its owner only. */
export function writeRuntimeFile(directory: string, content: RuntimeFile): void {
  const path = runtimeFilePath(directory)
  // A file that is there keeps its mode.
  rmSync(`${path}.tmp`, { force: true })
  writeFileSync(`${path}.tmp`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

export function removeRuntimeFile(directory: string): void {
  rmSync(runtimeFilePath(directory), { force: true })
}

/** Undefined where no process runs; a file that a killed process left behind counts as none. */
export function readRuntimeFile(directory: string): RuntimeFile | undefined {
  try {
    const content = JSON.parse(readFileSync(runtimeFilePath(directory), 'utf8')) as RuntimeFile // written above
    return isAlive(content.pid) ? content : undefined
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM' // process.kill throws system errors only
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
