import { isMillraceError, MillraceError, toPortable } from '../../errors.ts'
import { failpoint } from '../failpoint.ts'
import { AppendRequests } from './append-requests.ts'
import type { Groups } from './groups.ts'
import { discardLetters, expireLetters, replayLetters } from './letter-requests.ts'
import type { PackedUnit, Reply, Request, Result, ToWriter } from './messages.ts'
import { replayData } from './replay-data.ts'
import type { Store } from './store.ts'
import { applyUnit } from './unit.ts'

/** A message with whom it is from. */
export interface Incoming<C> {
  readonly client: C
  readonly message: ToWriter
}

/** What a group brought about, all of it durable. */
export interface Committed {
  readonly replies: readonly Reply[]
  /** Places that grew. */
  readonly grown: readonly number[]
}

/** Whether anything of it must be written now. Claims can wait, as they only inform. */
export function isWrite(message: ToWriter): boolean {
  return message.appends > 0 || message.requests.some(r => r.kind !== 'claim' && r.kind !== 'wake' && r.kind !== 'leave')
}

/**
 * Everything that is queued, in one transaction: one fsync for all of it. What is refused is refused before anything of it is
 * written, so one bad request never spoils its group. @throws TransactionFailed
 */
export function commitGroup<C>(store: Store, groups: Groups<C>, incoming: readonly Incoming<C>[], nowMs: number): Committed {
  const { tables } = store
  const joins: (() => void)[] = []
  const hasUnits = incoming.some(({ message }) => message.requests.some(r => r.kind === 'commit'))
  const { value: replies, grown } = store.transact(
    nowMs,
    () => incoming.map(answerAll),
    () => hasUnits && failpoint('in-commit'),
  )
  if (hasUnits) failpoint('after-commit')
  for (const join of joins) join()
  return { replies, grown }

  function answerAll({ client, message }: Incoming<C>): Reply {
    const appends = new AppendRequests(tables, message, nowMs)
    const appended = appends.appendAll({ from: 0, count: message.appends })
    const results = message.requests.map(request => answer(() => apply(request, client, appends)))
    return { id: message.id, appended, exceptions: appends.exceptions, results }
  }

  function join({ group, member, topics, start }: Request & { kind: 'join' }, client: C): void {
    const replaced = groups.prepare(tables, group, topics, start, nowMs)
    joins.push(() => groups.join(client, member, group, topics, replaced))
  }

  function commit(unit: PackedUnit, client: C, appends: AppendRequests): void {
    const standing = groups.standing(tables, client, unit.member, unit.generation)
    try {
      applyUnit(tables, standing, unit, appends, nowMs)
    } catch (error) {
      // The member works from a place where the group does not stand: only a new lease tells it where.
      if (standing !== undefined && isMillraceError(error, 'LEASE_LOST')) groups.renew(standing.group.name)
      throw error
    }
  }

  function apply(request: Request, client: C, appends: AppendRequests): readonly number[] | undefined {
    switch (request.kind) {
      case 'ensure':
        tables.topics.ensure(request.specs)
        return
      case 'join':
        join(request, client)
        return
      case 'commit':
        commit(request.unit, client, appends)
        return
      case 'mark':
        tables.trace.mark(tables.trace.agent(request.agent), request.marks, [])
        return
      case 'barrier':
        tables.trace.writeClaims()
        return
      case 'replay':
        return replayLetters(tables, request.letters, request.by, nowMs)
      case 'discard':
        return discardLetters(tables, request.letters, request.by, nowMs)
      case 'edit':
        return tables.letters.edit(request.letter, appends.bytes(request.frame), request.by, nowMs) ? [request.letter] : []
      case 'replay-data':
        return replayData(tables, request.agent, request.place, request.ranges)
      case 'expire':
        return expireLetters(tables, request.letters, request.diedBeforeMs, nowMs)
      // These change nothing in the database: the writer has done them on arrival.
      case 'claim':
      case 'wake':
      case 'leave':
        return
    }
  }
}

/** A refusal is the request's answer; anything else fails the group. */
function answer(work: () => readonly number[] | undefined): Result {
  try {
    const value = work()
    return value === undefined ? {} : { value }
  } catch (error) {
    if (error instanceof MillraceError) return { error: toPortable(error) }
    throw error
  }
}
