import { agent, pipeline, topic } from 'millrace'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { unreplaced } from '../../src/runtime/unreplaced.ts'

const demand = topic('demand', z.object({ n: z.number() }))
const forecast = agent('forecast', { version: 3, replaces: 9, from: demand }, () => undefined)
const grid = pipeline('grid', { agents: [forecast] })
const at = (...groups: string[]) => groups.map(group => ({ group }))

it('tells of an agent that replaces a version without a place, where others of its name have one', () => {
  expect(unreplaced(grid, at('forecast@1', 'forecast@2', 'lake@1'))).toEqual([
    'forecast@3 replaces forecast@9, which has no place here: it begins anew, and does again what others have done. There are: forecast@1, forecast@2.',
  ])
})

it('says nothing where it goes on from a place, its own or that version’s, nor where all is new', () => {
  for (const groups of [at('forecast@9'), at('forecast@3', 'forecast@1'), at('lake@1'), at()]) expect(unreplaced(grid, groups)).toEqual([])
})
