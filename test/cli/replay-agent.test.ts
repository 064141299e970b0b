import { expect, it } from 'vitest'
import { agentMeant } from '../../src/cli/replay/agent.ts'
import type { Standing } from '../../src/engine/engine.ts'

const checkpoint = { first: 0, offset: 5, done: 5, dead: 0, duplicate: 0, lost: 0, edition: 1 }
const at = (group: string, topic: string): Standing => ({ group, topic, partition: 0, checkpoint, first: 0, next: 5 })

it('a shadow is meant by the name that it was declared under, where no version runs live under it', () => {
  const shadow = [at('hourly@1', 'demand'), at('_shadow.hourly@2', 'demand'), at('_shadow.hourly@2', '_replay._shadow.hourly@2')]
  expect(agentMeant('hourly@2', shadow)).toMatchObject({ agent: { name: '_shadow.hourly', version: 2 }, topics: ['demand'] })
  expect(agentMeant('hourly', shadow)).toMatchObject({ agent: { name: 'hourly', version: 1 } })
  expect(agentMeant('hourly@2', [...shadow, at('hourly@2', 'demand')])).toMatchObject({ agent: { name: 'hourly', version: 2 } })
  expect(() => agentMeant('hourly@3', shadow)).toThrow(expect.objectContaining({ code: 'AGENT_UNKNOWN' }))
})
