import { createReadStream, readdirSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { MillraceError } from '../../errors.ts'
import type { Pipeline } from '../../pipeline.ts'
import { unzstd } from '../../storage/formats/zstd-frames.ts'
import { envelopeLine, NO_ENVELOPE } from '../../transfer/envelope-line.ts'
import type { Found } from '../../transfer/found.ts'
import { type ExportedFile, MANIFEST_FILE, readManifest } from '../../transfer/manifest.ts'
import { parquetRows } from '../../transfer/parquet-rows.ts'
import { usage } from '../command.ts'
import { ndjson } from '../send/lines.ts'

/** A file to be imported. */
export interface Input {
  readonly path: string
  readonly kind: 'ndjson' | 'parquet'
  /** As an export's manifest says; an envelope says it itself. */
  readonly topic?: string
}

const READ_BYTES = 1024 * 1024

/**
 * The files that are named, and those in the folders that are, in the order of their names. What an export's manifest lists must be there, whole.
 * @throws FILE_MISSING, USAGE
 */
export function inputsOf(named: readonly string[]): Input[] {
  return named.flatMap(name => {
    const path = resolve(name)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined)
      throw new MillraceError('FILE_MISSING', `There is no file or folder ${path}.`, { fix: 'Check the name; it is taken from here.' })
    if (!stat.isDirectory()) return [fileAt(path)]
    const found = filesIn(path)
    if (found.length === 0) throw usage(`${path} holds no NDJSON and no Parquet.`, 'Name the folder of an export, or a file.')
    return found
  })
}

function fileAt(path: string): Input {
  const exported = exportedAt([exportFolderOf(path)])
  const known = exported.get(path)
  if (known !== undefined) checkWhole(path, known.bytes)
  return inputOf(path, exported)
}

function filesIn(folder: string): Input[] {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== MANIFEST_FILE && !relative(folder, join(entry.parentPath, entry.name)).includes('/.'))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => kindOf(path) !== undefined && !/(^|[\\/])\.[^\\/]+$/.test(path))
    .sort()
  const exported = exportedAt([folder, ...paths.map(exportFolderOf)])
  // A copy that was cut off lacks files: what is there would be imported with success, and the rest be missed by nobody.
  for (const [path, { bytes }] of exported) if (isWithin(folder, path)) checkWhole(path, bytes)
  return paths.map(path => inputOf(path, exported))
}

/** What the manifests of exports say of their files, by their paths. */
function exportedAt(folders: readonly string[]): ReadonlyMap<string, ExportedFile> {
  return new Map(
    [...new Set(folders)].flatMap(folder =>
      (readManifest(folder)?.files ?? []).map((file): [string, ExportedFile] => [join(folder, file.path), file]),
    ),
  )
}

/** A file of an export lies in its topic's folder, the manifest above that. */
function exportFolderOf(path: string): string {
  return dirname(dirname(path))
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return !isAbsolute(way) && way !== '..' && !/^\.\.[\\/]/.test(way)
}

/** @throws FILE_MISSING; USAGE where it is not as long as the manifest says. */
function checkWhole(path: string, bytes: number): void {
  const there = statSync(path, { throwIfNoEntry: false })?.size
  if (there === bytes) return
  const fix = 'Copy the export again, the whole folder; or name the files that are to be imported one by one.'
  if (there === undefined)
    throw new MillraceError('FILE_MISSING', `The export's manifest lists ${path}, ${bytes} bytes, and it is not there.`, { fix })
  throw usage(`${path} has ${there} bytes, and the export's manifest says ${bytes}: it is not whole.`, fix)
}

function inputOf(path: string, exported: ReadonlyMap<string, ExportedFile>): Input {
  const kind = kindOf(path)
  if (kind === undefined)
    throw usage(`${path} does not say by its name what it holds.`, 'Name it .ndjson, .ndjson.zst, .ndjson.gz or .parquet.')
  const topic = exported.get(path)?.topic
  return { path, kind, ...(topic === undefined ? {} : { topic }) }
}

function kindOf(path: string): Input['kind'] | undefined {
  if (/\.(ndjson|jsonl)(\.zst|\.gz)?$/i.test(path)) return 'ndjson'
  return /\.parquet$/i.test(path) ? 'parquet' : undefined
}

/** What a file holds, a piece at a time. @throws USAGE where it holds no envelopes, or does not say whose they are. */
export function open(input: Input, pipeline: Pipeline, topic: string | undefined): AsyncIterable<readonly Found[]> {
  if (input.kind === 'ndjson') return lines(input.path)
  const name = topic ?? input.topic
  if (name === undefined) throw usage(`${input.path} does not say which topic its rows are of.`, 'Name it with --topic.')
  const declared = pipeline.topics.get(name)
  if (declared === undefined) {
    throw new MillraceError('TOPIC_UNKNOWN', `${input.path} is of the topic '${name}', which ${pipeline.name} does not have.`, {
      fix: `It has: ${[...pipeline.topics.keys()].sort().join(', ')}. Name one of them with --topic.`,
    })
  }
  return parquetRows(input.path, declared, (why, cause) => {
    return new MillraceError('USAGE', `${input.path} cannot be imported: ${why}.`, {
      fix: 'Name files that millrace export or a storage agent (record: envelope) has written.',
      cause,
    })
  })
}

async function* lines(path: string): AsyncGenerator<Found[]> {
  let isFirst = true
  for await (const records of ndjson(plainBytes(path))) {
    const found = records.map(record =>
      'data' in record ? envelopeLine(record.line, record.data) : { at: record.line, problem: record.problem },
    )
    const [first] = found
    if (isFirst && first !== undefined && 'problem' in first && first.problem === NO_ENVELOPE)
      throw usage(`${path} holds no envelopes.`, `Plain data are sent: millrace send ${path} --topic …`)
    isFirst &&= first === undefined
    yield found
  }
}

async function* plainBytes(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES })
  try {
    if (/\.zst$/i.test(path)) yield* unzstd(file)
    else if (/\.gz$/i.test(path)) yield* pipeline(file, createGunzip(), () => undefined)
    else yield* file
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && /^(Z_|ZSTD_|ERR_ZSTD)/.test(String(cause.code)))) throw cause
    throw new MillraceError('USAGE', `${path} cannot be read: ${cause.message}.`, {
      fix: 'It is damaged or cut off: take another copy.',
      cause,
    })
  } finally {
    file.destroy()
  }
}
