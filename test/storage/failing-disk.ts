import { existsSync, statSync, truncateSync } from 'node:fs'
import { type Disk, nodeDisk } from '../../src/storage/adapters/files/disk.ts'

/** A disk on a machine that dies at its n-th step: nothing works after it, and what was not synced yet is half gone. */
export class DyingDisk implements Disk {
  steps = 0
  readonly #dieAt: number
  readonly #unsynced = new Set<string>()

  constructor(dieAt: number) {
    this.#dieAt = dieAt
  }

  makeFolder = (path: string) => this.#step(() => nodeDisk.makeFolder(path))
  list = (path: string) => this.#step(() => nodeDisk.list(path))
  read = (path: string) => this.#step(() => nodeDisk.read(path))
  remove = (path: string) => this.#step(() => nodeDisk.remove(path))

  rename = (from: string, to: string) =>
    this.#step(async () => {
      await nodeDisk.rename(from, to)
      if (this.#unsynced.delete(from)) this.#unsynced.add(to)
    })

  sync = (path: string) =>
    this.#step(async () => {
      await nodeDisk.sync(path)
      this.#unsynced.delete(path)
    })

  append(path: string, bytes: Uint8Array): void {
    this.#count()
    nodeDisk.append(path, bytes)
    this.#unsynced.add(path)
  }

  async #step<T>(step: () => Promise<T>): Promise<T> {
    this.#count()
    return step()
  }

  #count(): void {
    this.steps++
    if (this.steps === this.#dieAt) {
      for (const path of this.#unsynced) if (existsSync(path)) truncateSync(path, Math.floor(statSync(path).size / 2))
    }
    if (this.steps >= this.#dieAt) throw new Error('power cut')
  }
}

/** A disk that has no room while `full`. */
export class FillingDisk implements Disk {
  full = false
  makeFolder = nodeDisk.makeFolder
  list = nodeDisk.list
  read = nodeDisk.read
  remove = nodeDisk.remove
  sync = nodeDisk.sync
  rename = nodeDisk.rename

  append(path: string, bytes: Uint8Array): void {
    if (this.full) throw Object.assign(new Error(`ENOSPC: no space left on device, write`), { code: 'ENOSPC', syscall: 'write' })
    nodeDisk.append(path, bytes)
  }
}
