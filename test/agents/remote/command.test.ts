import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type CommandOptions, command } from '../../../src/agents/remote/command.ts'
import type { RemoteError } from '../../../src/agents/remote/messages.ts'
import type { OpenRemote } from '../../../src/agents/remote.ts'
import { systemClock } from '../../../src/clock.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { handOver } from '../../../src/testing/hand-over.ts'
import { remoteSuite } from '../../../src/testing/remote-suite.ts'

const PROGRAM = fileURLToPath(new URL('./program.js', import.meta.url))
const ID = '0198f3c2-0000-7000-8000-000000000001'

remoteSuite({ describe, it }, 'a program run by command()', () => command([process.execPath, PROGRAM]))

interface Scene {
  readonly remote: OpenRemote
  readonly held: (string | undefined)[]
  readonly logged: string[]
  /** Hands one datum over. @returns its single output. */
  ask(datum: unknown, attempt?: number): Promise<Answered>
}

interface Answered {
  readonly pid: number
  readonly [field: string]: unknown
}

function open(
  options: CommandOptions & { readonly how?: string; readonly timeoutMs?: number; readonly program?: Parameters<typeof command>[0] } = {},
): Scene {
  const { how = '', timeoutMs = 5_000, program = [process.execPath, PROGRAM, how], ...rest } = options
  const held: (string | undefined)[] = []
  const logged: string[] = []
  const facts = { name: 'mood', version: 1, to: [], addressed: false, timeoutMs, clock: systemClock }
  const remote = command(program, rest).open(facts, {
    held: error => held.push(error?.message),
    log: line => logged.push(line),
  })
  onTestFinished(() => remote.stop(0))
  return {
    remote,
    held,
    logged,
    ask: async (datum, attempt = 1) => {
      const [output] = (await handOver(remote, datum, { dataId: ID, attempt })) as Answered[] // what the program answers with
      return output!
    },
  }
}

async function failure(of: Promise<unknown>): Promise<RemoteError> {
  return of.then(
    () => Promise.reject(new Error('It should have failed.')),
    error => error,
  )
}

describe('a program that keeps to the protocol', () => {
  it('is given what is known of a datum, as JSON or bytes', async () => {
    const { ask } = open()
    expect(await ask({ text: 'good\nbad' }, 2)).toMatchObject({ text: 'good\nbad', attempt: 2, data_id: ID, topic: 'feedback' })
    expect(await ask(Buffer.from('abc'))).toEqual({ bytes: 3 })
  })

  it('is given all of one turn in one batch, and answers in any order', async () => {
    const { ask, logged } = open()
    await ask({ n: 0 })
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask({ n })))
    expect(answers.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    // What it logs comes another way than its answers.
    await expect.poll(() => logged).toContain('batch of 100')
  })

  it('shares the data with its replicas', async () => {
    const { ask } = open({ replicas: 2 })
    const pids = new Set<number>()
    // One is up before the other, and may be done before that.
    while (pids.size < 2) for (const { pid } of await Promise.all(Array.from({ length: 1_200 }, (_, n) => ask({ n })))) pids.add(pid)
  })

  it('is scaled while it works: more share the data, and one that is too many answers what it has in hand and is gone', async () => {
    const { remote, ask } = open({ replicas: { min: 1, max: 3 } })
    const answerers = async (count: number) => {
      const answers = await Promise.all(Array.from({ length: count }, (_, n) => ask({ n })))
      expect(answers.map(({ n }) => n)).toEqual([...Array(count).keys()])
      return new Set(answers.map(({ pid }) => pid))
    }
    const [first] = await answerers(1_200)
    expect(await answerers(1_200)).toEqual(new Set([first]))
    remote.scale?.(3)
    let pids = new Set<number>()
    while (pids.size < 3) pids = new Set([...pids, ...(await answerers(1_200))])
    const inHand = answerers(1_200)
    // After this turn's data have been given out.
    await new Promise(setImmediate)
    remote.scale?.(1)
    expect((await inHand).size).toBeGreaterThan(1)
    expect(await answerers(600)).toEqual(new Set([first]))
    await expect.poll(() => [...pids].filter(isAlive)).toEqual([first])
  })

  it('is busy for as long as it has something in hand, also where it is ended for it', async () => {
    const { remote, ask } = open({ timeoutMs: 400 })
    await ask({ n: 0 })
    remote.takeBusyMs?.()
    const began = performance.now()
    await failure(Promise.all([ask({ do: 'hang' }), ask({ n: 1 })]))
    const busyMs = remote.takeBusyMs?.() ?? 0
    expect(busyMs).toBeGreaterThanOrEqual(399)
    expect(busyMs).toBeLessThanOrEqual(performance.now() - began + 2)
  })

  it('is run by a shell where it is one text, in the directory and with the variables that are asked for', async () => {
    const { ask, logged } = open({
      program: `pwd >&2; echo $MILLRACE_AGENT $MOOD >&2; ${process.execPath} ${PROGRAM}`,
      cwd: new URL('.', import.meta.url),
      env: { MOOD: 'good' },
    })
    await ask({ n: 1 })
    await expect.poll(() => logged.slice(0, 2)).toEqual([fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, ''), 'mood@1 good'])
  })
})

describe('a datum that ends its program', () => {
  it.each([
    ['by its end', { do: 'die' }, 'AGENT_CRASHED', 'ended with code 7'],
    ['by answering nothing', { do: 'hang' }, 'HANDLER_TIMEOUT', 'answered none of the 1 data'],
    ['by stopping', { do: 'stop' }, 'HANDLER_TIMEOUT', 'answered none of the 1 data'],
    [
      'by rubbish on its stdout',
      { do: 'print', text: 'Hello, I am a print()' },
      'REMOTE_BROKEN',
      "it printed 'Hello, I am a print()', which is no JSON",
    ],
    ['by a message of another kind', { do: 'print', text: '{"type":"dance"}' }, 'REMOTE_BROKEN', "a message of type 'dance'"],
    ['by an answer to what it was not given', { do: 'stray' }, 'REMOTE_BROKEN', 'which it does not have in hand'],
  ])('%s is the one that fails; its neighbours are done once', async (_, poison, code, why) => {
    const { ask } = open({ timeoutMs: 400 })
    const { pid } = await ask({ n: 0 })
    const neighbours = Array.from({ length: 20 }, (_, n) => ask({ n }))
    const poisoned = failure(ask(poison))
    const behind = Array.from({ length: 20 }, (_, n) => ask({ n: 100 + n }))
    const error = await poisoned
    expect(isMillraceError(error) && error.code).toBe(code)
    expect(error.message).toContain(why)
    const answers = await Promise.all([...neighbours, ...behind])
    expect(answers.map(({ n }) => n)).toEqual([...Array(20).keys(), ...Array.from({ length: 20 }, (_, n) => 100 + n)])
    expect(isAlive(pid)).toBe(false)
    expect((await ask({ n: 5 })).n).toBe(5)
  })

  it('leaves nothing running that it had started', async () => {
    const { ask, logged } = open({ timeoutMs: 300, program: `echo $$ >&2; ${process.execPath} ${PROGRAM}; true` })
    await failure(ask({ n: 1 }).then(() => ask({ do: 'hang' })))
    await sleep(100)
    expect(isAlive(Number(logged[0]))).toBe(false)
  })
})

describe('a program that does not come up', () => {
  it.each([
    ['ends', { how: 'ends' }, /ended with code 3: No module named mood/],
    ['is not there', { program: ['/no/such/program'] as const }, /cannot be started: .*ENOENT/],
    ['says no hello', { how: 'silent', startTimeout: '200ms' }, /did not say hello within 200 ms/],
    ['speaks another version', { how: 'foreign' }, /speaks version '99'/],
  ] as const)('%s: its data wait, the reason is told, and it is started again', async (_, options, why) => {
    const { remote, held } = open(options)
    let answered = false
    void handOver(remote, { n: 1 }).finally(() => (answered = true))
    while (held.filter(reason => reason !== undefined).length < 3) await sleep(20)
    expect(answered).toBe(false)
    expect(held.findLast(reason => reason !== undefined)).toMatch(why)
  })
})

it('data that nobody waits for any more are not given out, and those in hand may be answered', async () => {
  const { remote, ask } = open()
  await ask({ n: 0 })
  let aborted = false
  const given = { isAborted: () => aborted }
  const late = handOver(remote, { n: 1 }, given)
  await Promise.resolve()
  aborted = true
  remote.cancel()
  await late
  const never = handOver(remote, { n: 2 }, given)
  remote.cancel()
  expect(await Promise.race([never, ask({ n: 3 }).then(() => 'the next')])).toBe('the next')
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
