import { describe, expectTypeOf, it } from 'vitest'
import { http } from '../../../src/agents/remote/index.ts'
import { lambda } from '../../../src/agents/remote/lambda/index.ts'
import type { Remote } from '../../../src/agents/remote.ts'

describe('http() and lambda()', () => {
  it('make what a remote agent runs', () => {
    expectTypeOf(http('https://mood.example')).toEqualTypeOf<Remote>()
    expectTypeOf(http(new URL('https://mood.example'), { batch: 10, private: true })).toEqualTypeOf<Remote>()
    expectTypeOf(lambda('mood', { region: 'eu-central-1' })).toEqualTypeOf<Remote>()
  })

  it('take a header as the environment gives it, now or later', () => {
    http('https://mood.example', { headers: { authorization: () => process.env.MOOD_TOKEN } })
    http('https://mood.example', { headers: { authorization: async () => 'Bearer x' } })
    // @ts-expect-error A value that may be missing must be looked up when it is needed.
    http('https://mood.example', { headers: { authorization: process.env.MOOD_TOKEN } })
  })

  it('refuse what they do not know', () => {
    // @ts-expect-error
    http('https://mood.example', { replicas: 2 })
    // @ts-expect-error
    lambda('mood', { private: true })
    // @ts-expect-error
    lambda('mood', { credentials: { accessKeyId: 'id' } })
  })
})
