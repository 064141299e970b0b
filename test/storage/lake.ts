import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { gunzipSync, type Zlib, zstdDecompressSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import type { WireEnvelope } from '../../src/envelope/envelope.ts'

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-lake-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Paths of all files that a reader of the lake sees: hidden ones are not among them. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .filter(path => !path.split('/').some(segment => segment.startsWith('.')))
    .sort()
}

/** Bytes of each file, by its path. */
export function bytesIn(folder: string): Map<string, string> {
  return new Map(filesIn(folder).map(path => [path, readFileSync(join(folder, path)).toString('base64')]))
}

export function linesOf(path: string): string[] {
  return textOf(path)
    .split('\n')
    .filter(line => line !== '')
}

/** Every envelope of a lake of NDJSON, with where it was found. */
export function envelopesIn(folder: string): (WireEnvelope<unknown> & { path: string })[] {
  return filesIn(folder).flatMap(path =>
    linesOf(join(folder, path)).map(line => ({ ...(JSON.parse(line) as WireEnvelope<unknown>), path })),
  )
}

function textOf(path: string): string {
  const bytes = readFileSync(path)
  if (path.endsWith('.gz')) return gunzipSync(bytes).toString('utf8')
  if (!path.endsWith('.zst')) return bytes.toString('utf8')
  // Node's reader stops in silence after the first frame: go on where it did.
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    // With `info`, which Node's type declarations lack, it says how far it read.
    const { buffer, engine } = zstdDecompressSync(bytes.subarray(at), { info: true } as object) as unknown as {
      buffer: Buffer
      engine: Zlib & { bytesWritten: number }
    }
    pieces.push(buffer)
    at += engine.bytesWritten
  }
  return Buffer.concat(pieces).toString('utf8')
}
