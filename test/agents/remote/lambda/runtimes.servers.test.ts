import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { lambda } from '../../../../src/agents/remote/lambda/index.ts'
import { remoteSuite } from '../../../../src/testing/remote-suite.ts'
import { failureOf } from '../failure.ts'
import { ask, at } from './asked.ts'
import { type FunctionOptions, RUNTIMES, type Runtime, startFunction } from './environment.ts'
import type { InvokeApi } from './invoke-api.ts'

const MB = 1_000_000

for (const runtime of RUNTIMES) {
  describe(`with AWS’s runtime client for ${runtime.name}`, () => {
    let orders: InvokeApi
    beforeAll(async () => {
      orders = await startFunction(runtime, { timeoutMs: 500 })
    })
    afterAll(() => orders[Symbol.asyncDispose]())

    // What a process of its own does to be up is no part of the function's own timeout, but of the agent's.
    remoteSuite({ describe, it }, 'a function', () => lambda('orders', at(orders.endpoint)), { timeoutMs: 20_000 })

    it('fails the datum that its handler throws on, with its name, message and stack', async () => {
      const { ask } = await scene(runtime)
      const error = failureOf(ask({ do: 'throw', message: 'no such station' }))
      const echoes = await Promise.all(Array.from({ length: 30 }, (_, n) => ask({ do: 'echo', n })))
      expect(echoes).toHaveLength(30)
      const { name, message, stack } = await error
      expect([name, message]).toEqual([runtime.name === 'Python' ? 'IndexError' : 'RangeError', 'no such station'])
      expect(stack).toContain('orders.')
    })

    it('fails the datum that it has no time for', async () => {
      const { ask } = await scene(runtime, { timeoutMs: 300 })
      const error = failureOf(ask({ do: 'hang' }))
      expect(await ask({ do: 'echo', n: 1 })).toMatchObject([{ n: 1 }])
      expect(await error).toMatchObject({ code: 'HANDLER_TIMEOUT', message: expect.stringContaining('Task timed out after 0.30 seconds') })
    })

    it('takes those that it names in batchItemFailures for failed, and all others for done', async () => {
      const { ask } = await scene(runtime, { handler: 'orders.partial' })
      const error = failureOf(ask({ do: 'fail', message: '' }))
      expect(await Promise.all([ask({ do: 'none' }), ask({ do: 'none' })])).toEqual([[], []])
      expect((await error).name).toBe('BatchItemFailure')
    })

    it('is asked for 6 MB at most; larger answers are asked for in parts', async () => {
      const { ask, api } = await scene(runtime)
      const text = 'x'.repeat(MB)
      await Promise.all(Array.from({ length: 12 }, () => ask({ do: 'none', text })))
      expect(api.events).toHaveLength(2)
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask({ do: 'large', bytes: MB })))
      expect(answers.map(([output]) => output?.length)).toEqual(Array(12).fill(MB))
      expect(await failureOf(ask({ do: 'none', text: text.repeat(7) }))).toMatchObject({ code: 'BODY_TOO_LARGE', retryable: false })
    })

    it('is throttled, and blames no datum', async () => {
      const { ask, held } = await scene(runtime, { concurrency: 1 }, 3)
      const echoes = await Promise.all(Array.from({ length: 200 }, (_, n) => ask({ do: 'echo', n }).then(([echo]) => echo?.n)))
      expect(echoes).toEqual(Array.from({ length: 200 }, (_, n) => n))
      expect(held.join()).toContain('TooManyRequestsException')
      expect(held.at(-1)).toBeUndefined()
    })

    it('does not come up, and its data wait', async () => {
      const { ask, held } = await scene(runtime, { handler: 'nothing.handler' })
      void ask({ do: 'none' })
      await expect.poll(() => held.at(-1), { timeout: 20_000 }).toMatch(/\(Runtime\.\w+\): .*nothing/)
    })
  })
}

async function scene(runtime: Runtime, options: FunctionOptions = {}, batch = 100) {
  const api = await startFunction(runtime, options)
  onTestFinished(() => api[Symbol.asyncDispose]())
  const { ask: asked, held } = ask(api.endpoint, { batch })
  return { api, held, ask: async (datum: unknown) => (await asked(datum)) as { [field: string]: unknown; length: number }[] } // what `orders` answers with
}
