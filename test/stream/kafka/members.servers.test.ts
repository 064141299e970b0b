import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import type { GroupedStream } from '../../../src/stream/stream.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { batch, spec, texts } from '../../../src/testing/suite-data.ts'
import { until } from '../../servers/until.ts'
import { MEMBERS, type Said } from './member-process-protocol.ts'
import { Streams } from './streams.ts'

const STARTED_MS = 20_000
const SESSION_MS = 6_000
/** Nobody takes over by waiting for this to run out. */
const ENDLESS_SESSION_MS = 600_000

/** A member in a process of its own. */
class Member {
  readonly #child: ChildProcess
  readonly said: Said[] = []

  constructor(streams: Streams, sessionMs: number) {
    const file = new URL('./member-process.ts', import.meta.url).pathname
    const flags = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning']
    const told = [streams.broker, streams.prefix, String(sessionMs)]
    this.#child = spawn(process.execPath, [...flags, file, ...told], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', line => this.said.push(JSON.parse(line)))
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  tell(what: 'commit' | 'close'): void {
    this.#child.stdin!.write(`${what}\n`)
  }

  hasLeaseOf(partitions: number): Promise<void> {
    return until(`a lease of ${partitions}; it said ${JSON.stringify(this.said)}`, STARTED_MS, () => {
      expect(this.said.findLast(said => said.lease !== undefined)?.lease).toHaveLength(partitions)
    })
  }

  committed(): Promise<string> {
    return until('an answer to its commit', STARTED_MS, () => {
      const outcome = this.said.find(said => said.committed !== undefined)?.committed
      if (outcome === undefined) throw new Error(`it said ${JSON.stringify(this.said)}`)
      return outcome
    })
  }
}

const members: Member[] = []
afterEach(() => {
  for (const member of members.splice(0)) member.kill('SIGKILL')
})

function start(streams: Streams, sessionMs = SESSION_MS): Member {
  const member = new Member(streams, sessionMs)
  members.push(member)
  return member
}

async function withDemand(streams: Streams, partitions: number): Promise<GroupedStream> {
  const stream = await streams.open()
  await stream.ensure([spec(MEMBERS.topic, partitions)])
  for (let partition = 0; partition < partitions; partition++)
    await stream.append([batch(MEMBERS.topic, partition, texts(`${partition}.`, 5))])
  return stream
}

describe('a member of a group', () => {
  it('that closes hands over at once: its session need not run out', async () => {
    await using streams = new Streams()
    const stream = await withDemand(streams, 2)
    const member = start(streams, ENDLESS_SESSION_MS)
    await member.hasLeaseOf(2)
    const other = new GroupMember(stream, MEMBERS.group, [MEMBERS.topic])
    await other.lease(1)
    member.tell('close')
    await other.lease(2)
    await other.close()
  })

  it('that is killed is replaced within ten seconds', async () => {
    await using streams = new Streams()
    const stream = await withDemand(streams, 2)
    const member = start(streams)
    await member.hasLeaseOf(2)
    const other = new GroupMember(stream, MEMBERS.group, [MEMBERS.topic])
    await other.lease(1)
    member.kill('SIGKILL')
    await other.lease(2)
    await other.close()
  })

  it('that was stopped past its session has its commits refused, and nothing has moved', async () => {
    await using streams = new Streams()
    const stream = await withDemand(streams, 1)
    const member = start(streams)
    await member.hasLeaseOf(1)
    member.kill('SIGSTOP')
    const other = new GroupMember(stream, MEMBERS.group, [MEMBERS.topic])
    const lease = await other.lease(1)
    const [place] = lease.partitions
    await lease.commit([{ ...place!, from: 0, checkpoint: { ...place!.checkpoint, offset: 4, done: 4 } }])
    // It finds this when it goes on, before it can have heard of anything.
    member.tell('commit')
    member.kill('SIGCONT')
    expect(await member.committed()).toBe('LEASE_LOST')
    expect((await stream.places()).map(({ checkpoint }) => checkpoint.offset)).toEqual([4])
    await other.close()
  })
})
