import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type LambdaOptions, lambda } from '../../../../src/agents/remote/lambda/index.ts'
import { systemClock } from '../../../../src/clock.ts'
import { handOver } from '../../../../src/testing/hand-over.ts'
import { withoutPackage } from '../../../without-package.ts'
import { failureOf } from '../failure.ts'
import type { Item } from '../item.ts'
import { ask } from './asked.ts'
import { type Invoked, serveInvoke } from './invoke-api.ts'

type Answering = (data: readonly Item[]) => unknown

const throttled = { status: 429, type: 'TooManyRequestsException', message: 'Rate Exceeded.' }
const results = (data: readonly Item[]) => ({ payload: JSON.stringify({ results: data.map(({ n, data }) => ({ n, outputs: [data] })) }) })

/** A function that answers as it is scripted, and a remote that invokes it. */
async function scene(answering: (data: readonly Item[]) => Invoked | Promise<Invoked>, options: LambdaOptions = {}) {
  const asked: (readonly Item[])[] = []
  const script = { answering }
  const api = await serveInvoke(event => {
    const { data } = JSON.parse(event.toString('utf8')) as { data: Item[] } // what lambda() sends
    asked.push(data)
    return script.answering(data)
  })
  onTestFinished(() => api[Symbol.asyncDispose]())
  return { ...ask(api.endpoint, options), api, asked, script }
}

const returns = (answer: Answering) => (data: readonly Item[]) => ({ payload: JSON.stringify(answer(data)) ?? '' })
const fails = (payload: unknown) => ({ payload: JSON.stringify(payload), functionError: 'Unhandled' as const })

describe('what a function returns', () => {
  it('is the results of each datum', async () => {
    const { ask, asked } = await scene(results)
    expect(await Promise.all([ask('a'), ask('b')])).toEqual([['a'], ['b']])
    expect(asked).toHaveLength(1)
  })

  it.each<[string, Answering]>([
    ['by their data_id', data => data.filter(({ data }) => data === 'poison').map(({ data_id }) => ({ itemIdentifier: data_id }))],
    ['by their n', data => data.filter(({ data }) => data === 'poison').map(({ n }) => ({ itemIdentifier: n }))],
    ['by their n as a text', data => data.filter(({ data }) => data === 'poison').map(({ n }) => ({ itemIdentifier: String(n) }))],
  ])('names those that failed %s; all others have succeeded, without outputs', async (_, failures) => {
    const { ask, asked } = await scene(returns(data => ({ batchItemFailures: failures(data) })))
    const poison = failureOf(ask('poison'))
    expect(await Promise.all([ask('a'), ask('b')])).toEqual([[], []])
    expect(await poison).toMatchObject({ name: 'BatchItemFailure', retryable: true })
    expect(asked).toHaveLength(1)
  })

  it.each<[string, Answering]>([
    ['no failures', () => ({ batchItemFailures: [] })],
    ['null in their place, as AWS reads it', () => ({ batchItemFailures: null })],
    ['nothing, where the agent has no outputs', () => undefined],
    ['null, where the agent has no outputs', () => null],
  ])('is %s: all have succeeded', async (_, answer) => {
    const { ask } = await scene(returns(answer))
    expect(await Promise.all([ask('a'), ask('b')])).toEqual([[], []])
  })

  it.each<[string, Answering, RegExp]>([
    ['names what it was not given', () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] }), /an itemIdentifier is 'x', which is neither/],
    ['names nothing', () => ({ batchItemFailures: [{}] }), /an itemIdentifier is 'undefined'/],
    ['has failures that are no list', () => ({ batchItemFailures: 7 }), /its batchItemFailures are '7' and no list/],
    ['is something else', () => ({ statusCode: 200 }), /it returned '\{"statusCode":200\}'\. Let it return results/],
  ])('fails the datum where it %s', async (_, answer, why) => {
    const { ask } = await scene(returns(answer))
    const error = await failureOf(ask('a'))
    expect(error).toMatchObject({ code: 'REMOTE_BROKEN', message: expect.stringMatching(why) })
  })
})

describe('a datum that a function fails on is the one that fails', () => {
  it.each<[string, unknown, Record<string, unknown>]>([
    [
      'by an error of its handler in Node',
      {
        errorType: 'RangeError',
        errorMessage: 'too sad',
        trace: ['RangeError: too sad', '    at handler (file:///var/task/mood.mjs:3:9)'],
      },
      {
        name: 'RangeError',
        message: 'too sad',
        retryable: true,
        stack: 'RangeError: too sad\n    at handler (file:///var/task/mood.mjs:3:9)',
      },
    ],
    [
      'by an error of its handler in Python',
      { errorType: 'KeyError', errorMessage: "'mood'", stackTrace: ['  File "/var/task/mood.py", line 3, in handler\n    mood["mood"]\n'] },
      { name: 'KeyError', message: "'mood'", stack: '  File "/var/task/mood.py", line 3, in handler\n    mood["mood"]' },
    ],
  ])('%s; its neighbours are answered', async (_, failure, expected) => {
    const { ask, held } = await scene(data => (data.some(({ data }) => data === 'poison') ? fails(failure) : results(data)))
    const poison = failureOf(ask('poison'))
    expect(await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)))).toEqual(Array.from({ length: 40 }, (_, n) => [n]))
    expect(await poison).toMatchObject(expected)
    expect(held).toEqual([])
  })

  it.each<[string, unknown, Record<string, unknown>]>([
    [
      'by its time',
      { errorType: 'Sandbox.Timedout', errorMessage: 'RequestId: 7 Error: Task timed out after 3.00 seconds' },
      { code: 'HANDLER_TIMEOUT', message: expect.stringContaining('Task timed out after 3.00 seconds. Raise the function') },
    ],
    [
      'by its time, as older functions say it',
      { errorMessage: '2026-01-31T08:00:00.000Z 7 Task timed out after 3.00 seconds' },
      { code: 'HANDLER_TIMEOUT' },
    ],
    [
      'by its end',
      { errorType: 'Runtime.ExitError', errorMessage: 'RequestId: 7 Error: Runtime exited with error: exit status 7' },
      { code: 'AGENT_CRASHED', message: expect.stringContaining('The function orders of mood@1 ended (Runtime.ExitError)') },
    ],
  ])('%s, where others are answered', async (_, failure, expected) => {
    const { ask } = await scene(data => (data.some(({ data }) => data === 'poison') ? fails(failure) : results(data)))
    const poison = failureOf(ask('poison'))
    expect(await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)))).toEqual(Array.from({ length: 40 }, (_, n) => [n]))
    expect(await poison).toMatchObject(expected)
  })
})

describe('a function that cannot be had now: its data wait, and the reason is told', () => {
  it.each<[string, Invoked, RegExp]>([
    ['is throttled', throttled, /not invoked \(TooManyRequestsException, status 429\): Rate Exceeded\. Raise the concurrency/],
    ['is throttled by EC2', { ...throttled, status: 502, type: 'EC2ThrottledException' }, /EC2ThrottledException/],
    [
      'is not there',
      { status: 404, type: 'ResourceNotFoundException', message: 'Function not found' },
      /Create the function, or correct its name/,
    ],
    ['is not ours to invoke', { status: 403, type: 'AccessDeniedException', message: 'no' }, /Grant lambda:InvokeFunction/],
    ['is of a service that is down', { status: 500, type: 'ServiceException', message: 'internal' }, /ServiceException, status 500/],
    [
      'does not come up',
      fails({ errorType: 'Runtime.ImportModuleError', errorMessage: 'No module named mood' }),
      /does not come up \(Runtime\.ImportModuleError\): No module named mood\./,
    ],
  ])('%s', async (_, invoked, why) => {
    const { ask, held, script, asked } = await scene(() => invoked)
    const answer = ask('a')
    await expect.poll(() => held.at(-1)).toMatch(why)
    expect(held.join()).not.toContain('hunter2')
    script.answering = results
    expect(await answer).toEqual(['a'])
    expect(held.at(-1)).toBeUndefined()
    expect(asked.length).toBeGreaterThan(1)
  })

  it('says when it wants to be asked again', async () => {
    const { ask, asked, script } = await scene(() => ({ ...throttled, retryAfter: '1' }))
    const answer = ask('a')
    const begunMs = performance.now()
    await expect.poll(() => asked.length).toBe(1)
    script.answering = results
    await answer
    expect(performance.now() - begunMs).toBeGreaterThan(900)
    expect(asked).toHaveLength(2)
  })

  it('is of a service that is not there', async () => {
    const { ask: askIt, held } = ask('http://127.0.0.1:1')
    void askIt('a')
    await expect.poll(() => held.at(-1)).toMatch(/is not invoked \(.*\): connect ECONNREFUSED/)
  })
})

describe('6 MB', () => {
  it('are not gone beyond: what does not fit into one request is sent in more', async () => {
    const { ask, api } = await scene(data => ({ payload: JSON.stringify({ results: data.map(({ n }) => ({ n, outputs: [] })) }) }))
    await Promise.all(Array.from({ length: 20 }, () => ask('ä'.repeat(500_000))))
    expect(api.events).toHaveLength(4)
    expect(Math.max(...api.events)).toBeLessThanOrEqual(6_291_456)
  })

  it('fail a datum that alone has more, for good, and it is not sent', async () => {
    const { ask, asked } = await scene(results)
    const large = failureOf(ask('x'.repeat(6_291_456)))
    expect(await ask('small')).toEqual(['small'])
    expect(await large).toMatchObject({
      code: 'BODY_TOO_LARGE',
      retryable: false,
      message: expect.stringMatching(/has 62\d+ bytes, and The function orders of mood@1 takes 6291456\. Keep such data elsewhere/),
    })
    expect(asked).toHaveLength(1)
  })

  it('may be less where Lambda says so: the request is sent in parts', async () => {
    const { ask, held } = await scene(data =>
      data.length > 3 ? { status: 413, type: 'RequestTooLargeException', message: 'Request must be smaller' } : results(data),
    )
    expect(await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)))).toEqual(Array.from({ length: 40 }, (_, n) => [n]))
    expect(held).toEqual([])
  })
})

it.each<[string, LambdaOptions, RegExp]>([
  ['no region', { credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } }, /has no region\. Set region, or AWS_REGION/],
  [
    'no credentials',
    { region: 'eu-central-1' },
    /is not invoked \(CredentialsProviderError\): .* Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
  ],
])('a machine that has %s has the data wait, and is told', async (_, options, why) => {
  const unset = ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']
  for (const name of unset) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  onTestFinished(() => void vi.unstubAllEnvs())
  const held: (string | undefined)[] = []
  const remote = lambda('orders', { endpoint: 'http://127.0.0.1:1', ...options }).open(
    { name: 'mood', version: 1, to: [], addressed: false, timeoutMs: 20_000, clock: systemClock },
    { held: error => held.push(error?.message), log: () => undefined },
  )
  onTestFinished(() => remote.stop(0))
  void handOver(remote, 'a')
  await expect.poll(() => held.at(-1), { timeout: 10_000 }).toMatch(why)
})

it('a request that takes too long is given up, and aborted', async () => {
  const api = await serveInvoke(() => new Promise(() => undefined))
  onTestFinished(() => api[Symbol.asyncDispose]())
  const { ask: askIt, held } = ask(api.endpoint, {}, { timeoutMs: 100 })
  void askIt('a')
  await expect.poll(() => held.at(-1)).toMatch(/The function orders of mood@1 did not answer a request with 1 data within 100 ms/)
})

describe('lambda()', () => {
  // What a user without TypeScript may give.
  const wrong: [unknown, unknown, RegExp][] = [
    [undefined, {}, /needs the name or the ARN of a function/],
    ['', {}, /needs the name or the ARN/],
    ['mood', { batch: 0 }, /lambda\('mood'\) batch is 0/],
    ['mood', { requests: 'x' }, /lambda\('mood'\) requests is "x"/],
    ['mood', { endpoint: 'localhost:4566' }, /endpoint must be a URL/],
  ]
  it.each(wrong)('refuses %j with %j', (name, options, why) => {
    expect(() => lambda(name as string, options as LambdaOptions)).toThrow(why)
  })

  it('has its data wait where the AWS SDK is not installed, and says what to install', async () => {
    const source = join(import.meta.dirname, '../../../../src/agents/remote/lambda/index.ts')
    const script = `
      import { lambda } from '${source}'
      const clock = { now: Date.now, sleep: async () => {}, after: () => () => {} }
      const remote = lambda('mood').open(
        { name: 'mood', version: 1, to: [], addressed: false, timeoutMs: 1000, clock },
        { held: error => console.log(error.code, error.fix), log: () => {} })
      remote.take({ datum: 1, window: [], attempt: 1, aborted: false, dataId: 'x', source: 'x', createdMs: 0, topic: 'x' })`
    expect((await withoutPackage('@aws-sdk/client-lambda', script)).trim()).toBe('CLIENT_MISSING Run: npm install @aws-sdk/client-lambda')
  })
})
