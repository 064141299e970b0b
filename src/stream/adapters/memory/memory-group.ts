import { MillraceError } from '../../../errors.ts'
import { begun, begunByHand } from '../../checkpoint.ts'
import type { LeaseMailbox } from '../../lease-mailbox.ts'
import type { Assigned, Checkpoint, Group, Moved, Place, Start, TopicPartition } from '../../stream.ts'
import { type LeaseGroup, MemoryLease } from './memory-lease.ts'
import type { PartitionLog } from './partition-log.ts'

export interface MemoryMember {
  readonly group: Group
  readonly topics: readonly string[]
  readonly start: Start
  readonly mailbox: LeaseMailbox<MemoryLease>
}

export type Logs = (topic: string) => readonly PartitionLog[]

/** A group: its members, who has which partition, and where it stands in each. Shared out anew whenever a member comes or goes. */
export class MemoryGroup implements LeaseGroup {
  readonly name: string
  readonly #logs: Logs
  readonly #checkpoints = new Map<string, Place>()
  readonly #members: MemoryMember[] = []
  readonly line: string[] = []
  #edition: number | undefined
  #replacedBy: string | undefined

  constructor(name: string, logs: Logs) {
    this.name = name
    this.#logs = logs
  }

  get places(): Place[] {
    return [...this.#checkpoints.values()].map(place => ({
      ...place,
      ...(this.#replacedBy === undefined ? {} : { replacedBy: this.#replacedBy }),
    }))
  }

  join(member: MemoryMember): void {
    this.#members.push(member)
    this.#edition ??= member.group.edition
    this.#share()
  }

  leave(member: MemoryMember): void {
    const index = this.#members.indexOf(member)
    if (index < 0) return
    this.#members.splice(index, 1)
    this.#share()
  }

  /** Takes the old group's places and edition, where this one has none and the old one has; the old one ends. */
  takeOver(old: MemoryGroup): void {
    if (this.#checkpoints.size > 0 || old.#checkpoints.size === 0 || old.#replacedBy !== undefined) return
    old.#replacedBy = this.name
    old.#share()
    for (const [key, place] of old.#checkpoints) this.#checkpoints.set(key, { ...place, group: this.name })
    this.#edition = old.#edition
    this.line.push(old.name, ...old.line)
  }

  log({ topic, partition }: TopicPartition): PartitionLog {
    return this.#logs(topic)[partition]!
  }

  move(moves: readonly Moved[]): void {
    for (const { topic, partition, from } of moves) {
      const stands = this.#checkpoints.get(`${topic}/${partition}`)?.checkpoint.offset
      if (stands !== from) throw new MillraceError('LEASE_LOST', `${topic}/${partition} stands at ${stands}, not at ${from}.`)
    }
    for (const { topic, partition, checkpoint } of moves) this.#set({ topic, partition }, checkpoint)
  }

  /** As a tool beside Millrace sets an offset: nothing is counted yet, and of what came before nobody says where its fold is. */
  setByHand(place: TopicPartition, offset: number): void {
    this.#set(place, begunByHand(offset, this.#edition!, this.log(place).bounds.first))
  }

  #set({ topic, partition }: TopicPartition, checkpoint: Checkpoint): void {
    this.#checkpoints.set(`${topic}/${partition}`, { group: this.name, topic, partition, checkpoint })
  }

  #share(): void {
    for (const { mailbox } of this.#members) mailbox.endLease(new MillraceError('LEASE_LOST', 'The group was shared out anew.'))
    if (this.#replacedBy !== undefined || this.#members.length === 0) return
    const shares = this.#members.map((): Assigned[] => [])
    const topics = new Set(this.#members.flatMap(member => member.topics))
    let turn = 0
    for (const topic of topics) {
      const readers = this.#members.filter(member => member.topics.includes(topic))
      this.#logs(topic).forEach((_, partition) => {
        const reader = readers[turn++ % readers.length]!
        shares[this.#members.indexOf(reader)]!.push(this.#assigned({ topic, partition }, reader.start))
      })
    }
    this.#members.forEach(({ group, mailbox }, index) => {
      const own: Group = { ...group, edition: this.#edition ?? group.edition, line: this.line }
      mailbox.grant(new MemoryLease(this, own, shares[index]!))
    })
  }

  #assigned(place: TopicPartition, start: Start): Assigned {
    const known = this.#checkpoints.get(`${place.topic}/${place.partition}`)
    if (known !== undefined) return { ...place, checkpoint: known.checkpoint }
    const log = this.log(place)
    const offset = start === 'earliest' ? log.bounds.first : start === 'latest' ? log.bounds.next : log.since(start.timeMs)
    const checkpoint = begun(offset, this.#edition!)
    this.#set(place, checkpoint)
    return { ...place, checkpoint }
  }
}
