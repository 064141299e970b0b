import { isMillraceError, MillraceError } from '../../errors.ts'
import type { Assigned, Checkpoint, Group, Lease, Moved, RecordBatch, TopicPartition } from '../../stream/stream.ts'

/** What is known of one partition under a lease. */
interface Held {
  /** As committed. */
  checkpoint: Checkpoint
  /** Where it stands when everything under way has landed. */
  expected: number
  /** The last step under way: those of one partition take effect one after the other. */
  tail: Promise<void>
  /** Steps under way. */
  steps: number
  /**
   * `refusing`: a step failed and nothing of it has happened, but those behind it were computed on it: they are refused, and when all are
   * answered the place stands where it stood and the same steps may be taken again. `broken`: a step failed half way, and nobody knows more.
   */
  state: 'sound' | 'refusing' | 'broken'
}

/**
 * A lease of the stream's, with what its units of work have come to: their effects are many, and of one partition they must land in
 * order, while the bytes of the next may be on their way already.
 */
export class DistributedLease implements Lease {
  readonly #lease: Lease
  readonly #places = new Map<string, Held>()

  constructor(lease: Lease) {
    this.#lease = lease
    for (const { topic, partition, checkpoint } of lease.partitions) {
      this.#places.set(nameOf({ topic, partition }), {
        checkpoint,
        expected: checkpoint.offset,
        tail: Promise.resolve(),
        steps: 0,
        state: 'sound',
      })
    }
  }

  get group(): Group {
    return this.#lease.group
  }
  get partitions(): readonly Assigned[] {
    return this.#lease.partitions
  }
  get signal(): AbortSignal {
    return this.#lease.signal
  }

  fetch(place: TopicPartition, from: number, maxBytes: number): Promise<RecordBatch | undefined> {
    return this.#lease.fetch(place, from, maxBytes)
  }

  commit(checkpoints: readonly Moved[]): Promise<void> {
    return this.step(checkpoints, Promise.resolve(), async () => undefined)
  }

  /** The checkpoint as committed; undefined where the place is not of this lease. */
  checkpoint(place: TopicPartition): Checkpoint | undefined {
    return this.#places.get(nameOf(place))?.checkpoint
  }

  /** The place's snapshot is of no use, and checkpoints from now on name none until there is another. */
  forgetSnapshot(place: TopicPartition): void {
    const held = this.#places.get(nameOf(place))
    if (held === undefined) return
    const { snapshot: _, ...rest } = held.checkpoint
    held.checkpoint = rest
  }

  /**
   * Takes one step in each of the places that are moved: waits for `durable` and for the step before, then for the effects, then moves the checkpoints.
   * @param snapshot where a snapshot that belongs to the step begins, once it is durable.
   * @throws LEASE_LOST: where the lease has ended or the step was computed on another offset nothing was moved, and nothing before it is disturbed.
   * @throws DISK_FULL, OVERLOADED of `durable`: nothing has happened, and once all steps behind it are refused the same may be taken again.
   */
  async step(
    moves: readonly Moved[],
    durable: Promise<unknown>,
    effects: () => Promise<void>,
    snapshot: () => number | undefined = () => undefined,
  ): Promise<void> {
    // Whoever fails first is told below; until then nobody listens.
    durable.catch(() => undefined)
    const held = this.check(moves)
    const before = held.map(place => place.tail)
    for (const [i, place] of held.entries()) {
      place.expected = moves[i]!.checkpoint.offset
      place.steps++
    }
    const stepping = this.#step(held, moves, durable, before, effects, snapshot).finally(() => {
      for (const place of held) answered(place)
    })
    const landed = stepping.catch(() => undefined)
    for (const place of held) place.tail = landed
    await stepping
  }

  /** @throws LEASE_LOST unless the moves may be made, as far as can be known before. */
  check(moves: readonly Moved[]): Held[] {
    this.#checkStands()
    return moves.map(move => {
      const place = this.#places.get(nameOf(move))
      if (place === undefined) throw lost(`${nameOf(move)} is not of this lease.`)
      if (place.state !== 'sound') throw lost(`What was under way in ${nameOf(move)} failed.`)
      if (place.expected !== move.from) throw lost(`${nameOf(move)} stands at ${place.expected}, not at ${move.from}.`)
      return place
    })
  }

  async #step(
    held: readonly Held[],
    moves: readonly Moved[],
    durable: Promise<unknown>,
    before: readonly Promise<void>[],
    effects: () => Promise<void>,
    snapshot: () => number | undefined,
  ): Promise<void> {
    // All of it is answered before it fails: it may be taken again at once.
    const [appended] = await Promise.allSettled([durable, ...before])
    if (held.some(place => place.state !== 'sound')) {
      for (const place of held) if (place.state === 'sound') place.state = 'refusing'
      throw lost('The step before it failed.')
    }
    try {
      if (appended.status === 'rejected') throw appended.reason
      this.#checkStands()
      await effects()
      const changed = moves.flatMap((move, i) => {
        const checkpoint = withFold(move.checkpoint, held[i]!.checkpoint, snapshot())
        return isSame(checkpoint, held[i]!.checkpoint) ? [] : [{ move: { ...move, checkpoint }, place: held[i]! }]
      })
      if (changed.length > 0) await this.#lease.commit(changed.map(({ move }) => move))
      for (const { move, place } of changed) place.checkpoint = move.checkpoint
    } catch (error) {
      const nothing = appended.status === 'rejected' && leavesNothing(error)
      for (const place of held) place.state = nothing ? 'refusing' : 'broken'
      throw error
    }
  }

  #checkStands(): void {
    if (this.signal.aborted) throw new MillraceError('LEASE_LOST', 'The lease has ended.', { cause: this.signal.reason })
  }
}

/** Whether an append that failed so has stored nothing. */
function leavesNothing(error: unknown): boolean {
  return isMillraceError(error, 'DISK_FULL') || isMillraceError(error, 'OVERLOADED')
}

function answered(place: Held): void {
  if (--place.steps > 0 || place.state !== 'refusing') return
  place.state = 'sound'
  place.expected = place.checkpoint.offset
}

/**
 * Where the fold is to be found: in a new snapshot, or where it was found until now. Whoever moves a place may have what stood there when its
 * lease began.
 */
function withFold({ snapshot: _, foldFrom: __, ...moved }: Checkpoint, held: Checkpoint, taken: number | undefined): Checkpoint {
  if (taken !== undefined) return { ...moved, snapshot: taken }
  const { snapshot, foldFrom } = held
  return { ...moved, ...(snapshot === undefined ? {} : { snapshot }), ...(foldFrom === undefined ? {} : { foldFrom }) }
}

function isSame(a: Checkpoint, b: Checkpoint): boolean {
  return (
    a.offset === b.offset &&
    a.first === b.first &&
    a.done === b.done &&
    a.dead === b.dead &&
    a.duplicate === b.duplicate &&
    a.lost === b.lost &&
    a.edition === b.edition &&
    a.snapshot === b.snapshot &&
    a.foldFrom === b.foldFrom &&
    a.intent?.first === b.intent?.first &&
    a.intent?.end === b.intent?.end
  )
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function lost(what: string): MillraceError {
  return new MillraceError('LEASE_LOST', what)
}
