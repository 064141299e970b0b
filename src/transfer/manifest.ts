import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataId } from '../envelope/data-id.ts'
import { MillraceError } from '../errors.ts'
import { writeWhole } from './whole-file.ts'

export const MANIFEST_FILE = 'manifest.json'
const LAYOUT = 1

/**
 * A file of an export: all that the positions [first, end) of one partition hold, in the log's order. The files of a partition leave out
 * nothing between them, whatever it was that could not be stored.
 */
export interface ExportedFile {
  /** Below the export's folder, with `/`. */
  readonly path: string
  readonly topic: string
  readonly partition: number
  readonly first: number
  readonly end: number
  /** Less than end − first where the log has positions without a datum, or the format could not hold one. */
  readonly count: number
  readonly bytes: number
  readonly firstId: DataId
  readonly lastId: DataId
  /** Where the last datum lies. */
  readonly last: number
}

export interface Manifest {
  readonly format: string
  readonly compression: string
  readonly files: readonly ExportedFile[]
}

/** As it is written. */
interface WireManifest {
  readonly millrace_export: number
  readonly format: string
  readonly compression: string
  readonly files: readonly (Omit<ExportedFile, 'firstId' | 'lastId'> & { readonly first_id: string; readonly last_id: string })[]
}

/** @returns undefined where the folder has none. @throws FILE_MISSING where what is there is no manifest of ours. */
export function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, MANIFEST_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined
    throw error
  }
  const wire = parsed(text)
  if (wire === undefined) {
    throw new MillraceError('CONFIG_INVALID', `${path} is not the manifest of an export that this Millrace reads.`, {
      fix: 'Name an empty folder, or the folder of an earlier export.',
    })
  }
  const files = wire.files.map(({ first_id, last_id, ...file }) => ({ ...file, firstId: first_id, lastId: last_id }))
  return { format: wire.format, compression: wire.compression, files }
}

/** Whole or not at all: an export that is cut off leaves the manifest of the files before. */
export function writeManifest(folder: string, { format, compression, files }: Manifest): void {
  const wire: WireManifest = {
    millrace_export: LAYOUT,
    format,
    compression,
    files: files.map(({ firstId, lastId, ...file }) => ({ ...file, first_id: firstId, last_id: lastId })),
  }
  writeWhole(join(folder, MANIFEST_FILE), Buffer.from(`${JSON.stringify(wire, null, 1)}\n`))
}

function parsed(text: string): WireManifest | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isOurs = typeof value === 'object' && value !== null && 'millrace_export' in value && value.millrace_export === LAYOUT
    // Only writeManifest() writes this layout's number.
    return isOurs ? (value as WireManifest) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
