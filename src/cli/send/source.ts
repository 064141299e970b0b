import { createReadStream, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { MillraceError } from '../../errors.ts'
import { usage } from '../command.ts'
import { type CsvOptions, csv } from './csv.ts'
import { jsonArray } from './json-array.ts'
import { type InputRecord, ndjson } from './lines.ts'

export type Format = 'json' | 'ndjson' | 'csv'

export interface Source {
  readonly records: AsyncIterable<readonly InputRecord[]>
  /** Bytes in all, where that is known. */
  readonly bytes?: number
  /** Bytes read so far. */
  read(): number
  /**
   * What tells this input from others with the same lines: a file's absolute path, '' for stdin. Undefined for a datum on the command
   * line, which is a new one each time it is sent.
   */
  readonly name: string | undefined
}

/** Opens what the user named: a file, `-` for stdin, or a datum written out. */
export function openSource(what: string | undefined, format: Format | undefined, options: CsvOptions): Source {
  if (what === undefined || what === '-') return stdin(what, format ?? 'ndjson', options)
  const path = resolve(what)
  const file = statSync(path, { throwIfNoEntry: false })
  if (file?.isDirectory()) throw usage(`${path} is a folder.`, 'Name a file in it.')
  if (file !== undefined)
    return counted(createReadStream(path), format ?? formatOf(path), options, path, file.isFile() ? file.size : undefined)
  if (isJson(what)) return { records: once({ line: 1, data: Buffer.from(what) }), read: () => 0, name: undefined }
  if (/^\s*[{["]/.test(what))
    throw usage(
      `The datum is not JSON: ${shortened(what)}`,
      `Quote it for the shell: millrace send --topic demand '{"station": "a", "megawatts": 1}'`,
    )
  throw new MillraceError('FILE_MISSING', `There is no file ${path}.`, {
    fix: 'Name a JSON, NDJSON or CSV file, - for stdin, or write the datum as JSON.',
  })
}

function stdin(what: string | undefined, format: Format, options: CsvOptions): Source {
  if (what === undefined && process.stdin.isTTY)
    throw usage('There is nothing to send.', `Give a file, a datum such as '{"station": "a"}', or pipe data in.`)
  return counted(process.stdin, format, options, '', undefined)
}

function counted(stream: AsyncIterable<Buffer>, format: Format, options: CsvOptions, name: string, bytes: number | undefined): Source {
  let read = 0
  const chunks = async function* () {
    for await (const chunk of stream) {
      read += chunk.length
      yield chunk
    }
  }
  const records = format === 'csv' ? csv(chunks(), options) : format === 'json' ? jsonArray(chunks()) : ndjson(chunks())
  return { records, read: () => read, name, ...(bytes === undefined ? {} : { bytes }) }
}

function formatOf(path: string): Format {
  if (/\.(csv|tsv)$/i.test(path)) return 'csv'
  if (/\.json$/i.test(path)) return 'json'
  if (/\.(ndjson|jsonl|txt|log)$/i.test(path)) return 'ndjson'
  throw usage(`${path} does not say by its name what it holds.`, 'Add --format json, --format ndjson or --format csv.')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

async function* once(record: InputRecord): AsyncGenerator<InputRecord[]> {
  yield [record]
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
