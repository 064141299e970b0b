import type { Topic } from '../../stream/topic.ts'
import type { Roll, StoredDatum } from '../storage.ts'
import { safeSegment, shortHash, tellsApart } from './safe-name.ts'

export type Interval = '1h' | '1d'

const INTERVAL_MS = { '1h': 3_600_000, '1d': 86_400_000 } as const
const OFFSET_DIGITS = 16

/**
 * Where data of a roll belong: `<topic>/key=<key>/date=<day>/hour=<hour>/<partition>-<first>-<writer>.<extension>`, the folders as
 * Hive names them, so that DuckDB, Spark and the like take them for columns.
 */
export class Layout {
  readonly #byKey: boolean
  readonly #interval: Interval
  readonly #extension: string

  constructor(byKey: boolean, interval: Interval, extension: string) {
    this.#byKey = byKey
    this.#interval = interval
    this.#extension = extension
  }

  /** Whether the topic's keys have folders of their own. Frames may carry a key all the same. */
  keyed(topic: Topic): boolean {
    return this.#byKey && topic.keyOf !== undefined
  }

  /** The interval that a time lies in, counted from 1970. */
  intervalOf(createdMs: number): number {
    return Math.floor(createdMs / INTERVAL_MS[this.#interval])
  }

  /**
   * The path, below the store's folder, of the n-th part of a file. Parts follow each other where the columns change within a roll.
   * The key is in the file's name once more (as a hash) where its folder's name might be shared with another key.
   */
  path(roll: Roll, topic: Topic, key: string, interval: number, part: number): string {
    const keyed = this.keyed(topic)
    const segment = keyed ? safeSegment(key) : ''
    const place = `${beginning(roll.topic.name !== topic.name, roll.partition)}${digits(roll.first)}-${roll.writer}`
    const apart = tellsApart(segment) && tellsApart(safeSegment(topic.name)) ? '' : `-${shortHash(`${topic.name}\0${keyed ? key : ''}`)}`
    return `${this.folder(topic, key, interval)}/${place}${apart}${part === 0 ? '' : `-part${part}`}.${this.#extension}`
  }

  /** The folder that the data of a key and an interval are in. */
  folder(topic: Topic, key: string, interval: number): string {
    return [safeSegment(topic.name), ...(this.keyed(topic) ? [`key=${safeSegment(key)}`] : []), ...this.#time(interval)].join('/')
  }

  /** What the names of files begin with that its place in the stream leads to. */
  beginningOf({ partition, isReplay }: StoredDatum): string {
    return beginning(isReplay, partition)
  }

  /**
   * Of the names in a datum's folder, that of its file: the last that begins at or before it. Where a roll has several parts, or keys share a folder
   * by their names, what these have in common. Undefined where there is none.
   */
  nameOf(datum: StoredDatum, names: readonly string[]): string | undefined {
    const { topic, offset, writer, key } = datum
    const before = this.beginningOf(datum)
    const after = `-${writer}`
    const segment = this.keyed(topic) ? safeSegment(key) : ''
    const hashed =
      tellsApart(segment) && tellsApart(safeSegment(topic.name)) ? '' : `-${shortHash(`${topic.name}\0${this.keyed(topic) ? key : ''}`)}`
    const firstOf = (name: string) => Number(name.slice(before.length, before.length + OFFSET_DIGITS))
    const own = names.filter(name => {
      const isOwn = name.startsWith(before) && name.startsWith(`${after}${hashed}`, before.length + OFFSET_DIGITS)
      return isOwn && name.endsWith(`.${this.#extension}`) && firstOf(name) <= offset
    })
    const first = Math.max(...own.map(firstOf))
    const [name, ...more] = own.filter(candidate => firstOf(candidate) === first)
    return more.length === 0 ? name : `${before}${digits(first)}${after}${hashed}*.${this.#extension}`
  }

  #time(interval: number): string[] {
    const time = new Date(interval * INTERVAL_MS[this.#interval]).toISOString()
    const [date = '', clock = ''] = time.split('T')
    return this.#interval === '1h' ? [`date=${date}`, `hour=${clock.slice(0, 2)}`] : [`date=${date}`]
  }
}

function beginning(isReplay: boolean, partition: number): string {
  return `${isReplay ? 'replay-' : ''}${partition}-`
}

function digits(offset: number): string {
  return String(offset).padStart(OFFSET_DIGITS, '0')
}
