import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const ASIDE = '.writing-'

/**
 * A file that is there whole or not at all: written aside under a hidden name, made durable, renamed. Synchronous: whoever writes has
 * nothing else to do, and a promise for each piece costs more than the write.
 */
export class WholeFile {
  readonly #folder: string
  readonly #aside: string
  #file: number | undefined
  bytes = 0

  /** @param name tells it from others that are written in the folder at the same time. */
  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true })
    this.#folder = folder
    this.#aside = join(folder, `${ASIDE}${name}`)
    // What an attempt before left is overwritten.
    this.#file = openSync(this.#aside, 'w')
  }

  append(bytes: Uint8Array): void {
    if (this.#file === undefined) throw new TypeError('The file is finished.')
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
    this.bytes += bytes.length
  }

  /** @param name that it gets; one of that name is replaced. */
  finish(name: string): void {
    if (this.#file === undefined) throw new TypeError('The file is finished.')
    fsyncSync(this.#file)
    closeSync(this.#file)
    this.#file = undefined
    renameSync(this.#aside, join(this.#folder, name))
    syncFolder(this.#folder)
  }

  /** Leaves nothing of it. */
  discard(): void {
    if (this.#file === undefined) return
    closeSync(this.#file)
    this.#file = undefined
    rmSync(this.#aside, { force: true })
  }
}

export function writeWhole(path: string, bytes: Uint8Array): void {
  const file = new WholeFile(dirname(path), basename(path))
  try {
    file.append(bytes)
    file.finish(basename(path))
  } finally {
    file.discard()
  }
}

/** A power cut must not take the name of a file that was said to be there. */
function syncFolder(path: string): void {
  // Windows opens no folder, and writes their entries through.
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
