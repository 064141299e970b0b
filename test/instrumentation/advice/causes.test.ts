import { expect, it } from 'vitest'
import { CAUSES } from '../../../src/instrumentation/advice/advice.ts'
import { seeded } from '../../faults/random.ts'
import { type Agent, simulate, type Trouble } from './simulator.ts'

const CASES = 270
const RIGHT = 0.95

interface Case {
  readonly agent: Agent
  readonly trouble: Trouble
}

type Draw = (random: () => number) => Case

const between = (random: () => number, low: number, high: number) => low + random() * (high - low)
const whole = (random: () => number, low: number, high: number) => Math.floor(between(random, low, high + 1))

/** One that is 40 to 60 % busy as long as all is calm. */
function coping(random: () => number, fixed: Partial<Agent> = {}): Agent {
  const partitions = fixed.partitions ?? whole(random, 2, 12)
  const replicas = fixed.replicas ?? whole(random, 1, partitions)
  const secondsPerDatum = 10 ** between(random, -4, -2)
  // The fullest of them, where they cannot be shared out evenly.
  const most = Math.ceil(partitions / replicas) / partitions
  const arrivalPerSecond = between(random, 0.4, 0.6) / (secondsPerDatum * most)
  return { partitions, replicas, arrivalPerSecond, secondsPerDatum, computing: between(random, 0.8, 1), ...fixed }
}

/** How busy each partition's own replica would be, were there one for each. */
function spread({ arrivalPerSecond, secondsPerDatum, partitions }: Agent): number {
  return (arrivalPerSecond * secondsPerDatum) / partitions
}

/** What befalls it, by what the advice is to say of it. */
const DRAWS: Readonly<Record<string, Draw>> = {
  load: random => {
    const agent = coping(random, { partitions: 12, replicas: whole(random, 1, 4) })
    const enough = 0.85 / spread(agent)
    return { agent, trouble: { arrival: { times: between(random, 2.6, Math.min(6, enough)) } } }
  },
  few_partitions: random => {
    const partitions = whole(random, 2, 8)
    const agent = coping(random, { partitions, replicas: partitions })
    return { agent, trouble: { arrival: { times: between(random, 1.2, 3) / spread(agent) } } }
  },
  hot_key: random => {
    const agent = coping(random, { partitions: whole(random, 4, 12) })
    const hot = between(random, 0.7, 0.95)
    const load = agent.arrivalPerSecond * agent.secondsPerDatum
    return { agent, trouble: { hot, arrival: { times: Math.max(1, between(random, 1.2, 2) / (load * hot)) } } }
  },
  slow_handler: random => ({ agent: coping(random), trouble: { cost: between(random, 3, 10) } }),
  waiting_handler: random => {
    const agent = coping(random, { computing: between(random, 0.05, 0.35) })
    return { agent, trouble: { arrival: { times: between(random, 2.6, 5) } } }
  },
  front_end: random => ({
    agent: coping(random),
    trouble: { frontEnd: { loop: between(random, 0.92, 1), turnedAwayPerSecond: between(random, 0, 500) } },
  }),
  away: random => ({ agent: coping(random), trouble: { away: true } }),
  burst: random => ({ agent: coping(random), trouble: { arrival: { times: between(random, 5, 20), seconds: 10 } } }),
  none: random => ({ agent: coping(random), trouble: { arrival: { times: between(random, 0.5, 1.3) } } }),
}

it(`names what an agent suffers from, and nothing else, in ${RIGHT * 100} % of ${CASES} cases`, () => {
  const random = seeded(20_261_126)
  const names = Object.keys(DRAWS)
  const columns = [...CAUSES, 'none'] as const
  const table = new Map(names.map(name => [name, new Map<string, number>()]))
  let right = 0
  for (let i = 0; i < CASES; i++) {
    const name = names[i % names.length]!
    const { agent, trouble } = DRAWS[name]!(random)
    const given = simulate(agent, trouble, random)
    // All of it must be right: advice that is taken back later may have been followed.
    const wrong = given.find(cause => cause !== name)
    const says = wrong ?? given[0] ?? 'none'
    if (says === name) right++
    const row = table.get(name)!
    row.set(says, (row.get(says) ?? 0) + 1)
  }
  const head = ['cause \\ advice', ...columns]
  const rows = names.map(name => [name, ...columns.map(column => String(table.get(name)!.get(column) ?? '·'))])
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map(row => row[i]!.length)))
  console.log([head, ...rows].map(row => row.map((cell, i) => cell.padStart(widths[i]!)).join('  ')).join('\n'))
  console.log(`${right} of ${CASES} right`)
  expect(right / CASES).toBeGreaterThanOrEqual(RIGHT)
})
