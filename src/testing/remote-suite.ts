import assert from 'node:assert/strict'
import { blockedOn } from '../agents/blocked.ts'
import type { OpenRemote, Remote } from '../agents/remote.ts'
import { systemClock } from '../clock.ts'
import { isMillraceError } from '../errors.ts'
import type { TestFramework } from './framework.ts'
import { handOver, type MoreOfJob } from './hand-over.ts'

/** A datum that tells the program under test what to do with it. */
export type RemoteOrder =
  /** One output: `{n, attempt, window, state}`, the last two where they were given. */
  | { readonly do: 'echo'; readonly n: number }
  | { readonly do: 'none' }
  /** So many outputs, `{n}` from 0 on. */
  | { readonly do: 'many'; readonly count: number }
  /** Fail on it, with this message; trying again may help. */
  | { readonly do: 'fail'; readonly message: string }
  /** Fail on it, with this message; trying again cannot help. */
  | { readonly do: 'final'; readonly message: string }
  /** Say that what it needs, named by `on`, is away. */
  | { readonly do: 'block'; readonly on: string }
  /** End the process. */
  | { readonly do: 'die' }
  /** Never answer anything again; where each request is answered by itself, that request. */
  | { readonly do: 'hang' }

interface Echo {
  readonly n: number
  readonly attempt: number
  readonly window?: unknown
  readonly state?: unknown
}

const DEFAULT_TIMEOUT_MS = 1_000
const MANY = 2_000
const NEIGHBOURS = 50
const GRACE_MS = 10_000

export interface RemoteSuiteOptions {
  /** How long no datum at all may be answered before it is given up. Default 1,000. */
  readonly timeoutMs?: number
}

/**
 * What everything must keep to that works on a remote agent's data, whatever its kind and language: each datum is answered by itself,
 * a failure is its own alone, and one on which the program dies or hangs takes no other with it.
 * @param make the remote, with a program that does what a {@link RemoteOrder} says.
 */
export function remoteSuite({ describe, it }: TestFramework, name: string, make: () => Remote, options: RemoteSuiteOptions = {}): void {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  describe(`${name} as a remote`, () => {
    async function over(test: (ask: (order: RemoteOrder, more?: MoreOfJob) => Promise<readonly Echo[]>) => Promise<void>) {
      const facts = { name: 'orders', version: 1, to: [], addressed: false, timeoutMs, clock: systemClock }
      const said: string[] = []
      const remote = make().open(facts, { held: error => error && said.push(error.message), log: line => said.push(line) })
      let stopped = false
      try {
        await test(async (order, more) => (await handOver(remote, order, more)) as readonly Echo[])
        await endsByItself(remote)
        stopped = true
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : String(error)}\nThe program has said:\n${said.join('\n')}`, {
          cause: error,
        })
      } finally {
        if (!stopped) await remote.stop(0)
      }
    }

    it('gives the outputs of each datum: none, one or many', () =>
      over(async ask => {
        const [none, one, many] = await Promise.all([ask({ do: 'none' }), ask({ do: 'echo', n: 7 }), ask({ do: 'many', count: 3 })])
        assert.deepEqual(none, [])
        assert.deepEqual([one.length, one[0]?.n, one[0]?.attempt], [1, 7, 1])
        assert.deepEqual(
          many.map(({ n }) => n),
          [0, 1, 2],
        )
      }))

    it('is given the attempt, the window and the state', () =>
      over(async ask => {
        const [echo] = await ask({ do: 'echo', n: 1 }, { attempt: 3, window: [{ n: 0 }, { n: 1 }], state: { sum: 1 } })
        assert.deepEqual(echo, { n: 1, attempt: 3, window: [{ n: 0 }, { n: 1 }], state: { sum: 1 } })
      }))

    it('answers each of many that are handed over at once', () =>
      over(async ask => {
        const answers = await Promise.all(Array.from({ length: MANY }, (_, n) => ask({ do: 'echo', n })))
        assert.deepEqual(
          answers.map(([echo]) => echo?.n),
          Array.from({ length: MANY }, (_, n) => n),
        )
      }))

    it('says of each datum whether it failed, why, and whether trying again may help', () =>
      over(async ask => {
        const [fails, final, good] = await Promise.all([
          failureOf(ask({ do: 'fail', message: 'no such word' })),
          failureOf(ask({ do: 'final', message: 'not to be had' })),
          ask({ do: 'echo', n: 1 }),
        ])
        assert.match(fails.message, /no such word/)
        assert.notEqual((fails as { retryable?: unknown }).retryable, false)
        assert.match(final.message, /not to be had/)
        assert.equal((final as { retryable?: unknown }).retryable, false)
        assert.equal(good[0]?.n, 1)
      }))

    it('tells what is away from a failure of the datum', () =>
      over(async ask => {
        const blocked = await failureOf(ask({ do: 'block', on: 'the price service' }))
        assert.match(blockedOn(blocked) ?? String(blocked), /^blocked on the price service/)
      }))

    for (const poison of [{ do: 'die' }, { do: 'hang' }] as const) {
      it(`blames a datum on which it has to ${poison.do} for that, and answers its neighbours`, () =>
        over(async ask => {
          const before = Array.from({ length: NEIGHBOURS }, (_, n) => ask({ do: 'echo', n }))
          const poisoned = failureOf(ask(poison))
          const behind = Array.from({ length: NEIGHBOURS }, (_, n) => ask({ do: 'echo', n: NEIGHBOURS + n }))
          const error = await poisoned
          assert.ok(isMillraceError(error), String(error))
          const answers = await Promise.all([...before, ...behind])
          assert.deepEqual(
            answers.map(([echo]) => echo?.n),
            Array.from({ length: 2 * NEIGHBOURS }, (_, n) => n),
          )
        }))
    }
  })
}

/** Told that nothing more will come it ends, long before it would be ended. */
async function endsByItself(remote: OpenRemote): Promise<void> {
  const begunMs = performance.now()
  await remote.stop(GRACE_MS)
  assert.ok(performance.now() - begunMs < GRACE_MS / 2, 'It does not end by itself.')
}

async function failureOf(answer: Promise<unknown>): Promise<Error> {
  return answer.then(
    outputs => assert.fail(`It should have failed, and put out ${JSON.stringify(outputs)}.`),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
}
