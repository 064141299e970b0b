import { agent, hopping, join, remoteAgent, storageAgent, topic, tumbling } from 'millrace'
import { command } from 'millrace/remote'
import { files } from 'millrace/storage/files'
import { expect, test } from 'vitest'
import { z } from 'zod'

const demand = topic('demand', z.object({ n: z.number() }))
const clicks = topic('clicks', z.object({ n: z.number() }))
const misspelt = <T>(options: T, more: object): T => ({ ...options, ...more })

test.each([
  [
    () => agent('f', misspelt({ version: 2, from: demand }, { shaddow: true }), () => undefined),
    "agent('f') has an option 'shaddow', which there is not: did you mean 'shadow'?",
  ],
  [
    () => agent('f', { version: 2, from: demand, retry: misspelt({}, { retires: 3 }) }, () => undefined),
    "agent('f') retry has an option 'retires'",
  ],
  [() => agent('f', { version: 2, from: demand, breaker: misspelt({}, { off: 3 }) }, () => undefined), "did you mean 'of'?"],
  [
    () => agent('f', { version: 2, from: demand, batch: misspelt({ size: 2 }, { milliseconds: 3 }) }, () => []),
    'there are size, waitMs, outputs.',
  ],
  [() => remoteAgent('f', misspelt({ version: 2, from: demand, run: command('true') }, { tiemout: '1s' })), "did you mean 'timeout'?"],
  [() => remoteAgent('f', misspelt({ version: 2, from: demand, run: command('true') }, { batch: { size: 2 } })), "Drop 'batch'."],
  [() => storageAgent('lake', misspelt({ version: 1, from: demand, to: files('./lake') }, { replace: 2 })), "did you mean 'replaces'?"],
  [() => tumbling('1h', misspelt({}, { latenes: '5m' })), "did you mean 'lateness'?"],
  [() => hopping('1h', misspelt({ every: '5m' as const }, { latness: '5m' })), "did you mean 'lateness'?"],
  [() => join(demand, clicks, misspelt({ by: () => 'k', within: '1m' as const }, { maxahead: '1h' })), "did you mean 'maxAhead'?"],
])('an option that is misspelt is refused, and says which may be meant (%#)', (declare, words) => {
  expect(declare).toThrow(TypeError)
  expect(declare).toThrow(words)
})
