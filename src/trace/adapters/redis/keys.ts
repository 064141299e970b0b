import type { DataId } from '../../../envelope/data-id.ts'

/** Characters of a data_id's text. */
const HEX = '0123456789abcdef'

/**
 * Names the trace's keys. In a cluster all keys of one call must lie in one slot, so those of data carry a hash tag: 16 groups, by the
 * id's last digit.
 */
export class Keys {
  readonly prefix: string
  readonly clustered: boolean
  readonly #data: readonly string[]
  readonly #ids: readonly string[]

  constructor(prefix: string, clustered: boolean) {
    this.prefix = prefix
    this.clustered = clustered
    const tagged = (kind: string) => (clustered ? [...HEX].map(digit => `${prefix}${kind}{${digit}}:`) : Array(16).fill(`${prefix}${kind}`))
    this.#data = tagged('')
    this.#ids = tagged('id:')
  }

  /** In how many calls a batch is made: those with one number lie together. */
  get groups(): number {
    return this.clustered ? HEX.length : 1
  }

  /** @param last the id's last byte. */
  groupOf(last: number): number {
    return this.clustered ? last & 15 : 0
  }

  datum(id: DataId, last: number): string {
    return this.#data[last & 15]! + id
  }

  /** Whose an id is that a producer gave. */
  owner(id: DataId, last: number): string {
    return this.#ids[last & 15]! + id
  }

  /** Names the log that the trace is of. */
  log(): string {
    return `${this.prefix}log`
  }

  /** The outputs of one unit of work. */
  unit(ref: string): string {
    return `${this.prefix}unit:${ref}`
  }

  cache(name: string): string {
    return `${this.prefix}cache:${name}`
  }

  /** Whoever has claimed anything in the packed layout, by group. */
  packedAgents(group: number): string {
    return `${this.prefix}${this.#packedTag(group)}agents`
  }

  /** A bucket of the packed layout: what `agent@version` knows of ids of one time and shard. */
  bucket(agent: string, time: string, shard: number, group: number): string {
    return `${this.prefix}${this.#packedTag(group)}${agent}:${time}:${shard}`
  }

  #packedTag(group: number): string {
    return this.clustered ? `p:{${HEX[group]!}}:` : 'p:'
  }
}
