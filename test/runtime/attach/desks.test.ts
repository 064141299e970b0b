import { agent, pipeline, remoteAgent, topic } from 'millrace'
import { attached, command } from 'millrace/remote'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { WorkDesk } from '../../../src/agents/remote.ts'
import { attachedAgents, Desks } from '../../../src/runtime/attach/desks.ts'
import { ALL_ROLES } from '../../../src/runtime/roles.ts'

const feedback = topic('feedback', z.object({ text: z.string() }))
const mood = remoteAgent('mood', { version: 2, from: feedback, run: attached() })
const rank = remoteAgent('rank', { version: 1, from: feedback, run: attached() })
const tone = remoteAgent('tone', { version: 1, from: feedback, run: command('cat') })
const plain = agent('plain', { version: 1, from: feedback }, () => undefined)
const all = pipeline('grid', { agents: [mood, rank, tone, plain] })

it('attached agents are those whose work applications take, of those that run in the process', () => {
  const roles = new Set(ALL_ROLES)
  expect(attachedAgents(all, { roles })).toEqual(['mood@2', 'rank@1'])
  expect(attachedAgents(all, { roles, only: ['rank', 'tone'] })).toEqual(['rank@1'])
  expect(attachedAgents(all, { roles: new Set(['frontend']) })).toEqual([])
})

it('an agent has the desk of its newest thread, none between two, and none where it does not run', () => {
  const [first, second] = [{} as WorkDesk, {} as WorkDesk] // which is which is all that matters
  const desks = new Desks()
  const of = () => {
    try {
      return desks.of('mood@2')
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  expect(of()).toBe('AGENT_UNKNOWN')
  desks.use(['mood@2'])
  expect(of()).toBe('AGENT_AWAY')
  desks.open('mood@2', first)
  desks.open('mood@2', second)
  desks.close('mood@2', first)
  expect(of()).toBe(second)
  desks.close('mood@2', second)
  expect(of()).toBe('AGENT_AWAY')
})
