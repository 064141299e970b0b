import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// The user's id in the name: in a shared /tmp the first user's folder is closed to the second.
const BASE = join(tmpdir(), `millrace-servers-${process.getuid?.() ?? 0}`)

const mine: string[] = []

/** A new folder for one server's data; it is deleted when this process ends, or by a later process where this one is killed. */
export function serverFolder(kind: string): string {
  mkdirSync(BASE, { recursive: true, mode: 0o755 })
  if (mine.length === 0) {
    sweep()
    process.once('exit', () => mine.forEach(remove))
  }
  const folder = mkdtempSync(join(BASE, `${process.pid}-${kind}-`))
  mine.push(folder)
  return folder
}

function sweep(): void {
  for (const name of readdirSync(BASE)) {
    const pid = Number.parseInt(name, 10)
    if (Number.isInteger(pid) && !isAlive(pid)) remove(join(BASE, name))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: there is one, and it is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
