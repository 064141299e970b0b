import { interleaved } from '../child.ts'
import { atMost, type Bench, type Note, note } from '../figure.ts'
import { bullmqHop } from './bullmq.ts'
import { kafkajsHop } from './kafkajs.ts'
import { replayed } from './millrace.ts'
import type { Servers } from './servers.ts'
import { least, slope, type Used } from './slope.ts'

const SIZES = { few: 20_000, many: 220_000 }
/** A job costs a hundred times a datum. */
const JOB_SIZES = { few: 1_000, many: 7_000 }
const KEYS = 100
const ROUNDS = 3

/** An agent hop over Kafka and Redis, and the same as one writes it with what else there is. */
export const hop = (directory: string, servers: Servers): Bench => ({
  name: 'hop',
  async run(say) {
    const common = {
      servers,
      directory,
      pipeline: 'hop',
      role: 'agents',
      group: 'smooth@1',
      keys: KEYS,
      watch: ['java', 'redis-server'],
    } as const
    const sides: Record<string, () => Promise<Used>> = {
      readable: () => slope(SIZES, count => replayed({ ...common, count })),
      packed: () => slope(SIZES, count => replayed({ ...common, count, traceQuery: '&layout=packed' })),
      kafkajs: () => slope(SIZES, count => kafkajsHop(servers, count, KEYS)),
      bullmq: () => slope(JOB_SIZES, count => bullmqHop(servers, count, KEYS)),
    }
    say(`${SIZES.few} and ${SIZES.many} data (BullMQ: ${JOB_SIZES.few} and ${JOB_SIZES.many}), ${ROUNDS} rounds, the sides in turn`)
    const measured = await interleaved(ROUNDS, sides)
    const [readable, packed, kafkajs, bullmq] = ['readable', 'packed', 'kafkajs', 'bullmq'].map(side => least(measured[side]!)) as [
      Used,
      Used,
      Used,
      Used,
    ]
    return {
      figures: [atMost('an agent hop over Kafka and Redis', readable.own, 'CPU-s/M', 30)],
      notes: [
        ...beside(readable),
        note('the same with the packed trace', packed.own, 'CPU-s/M'),
        ...beside(packed),
        note('the same written with kafkajs, without a trace', kafkajs.own, 'CPU-s/M'),
        ...beside(kafkajs),
        note('the same written with BullMQ', bullmq.own, 'CPU-s/M'),
        ...beside(bullmq),
        note('the hop against kafkajs', readable.own / kafkajs.own, '×'),
        note('the hop with its servers against kafkajs with its', whole(readable) / whole(kafkajs), '×'),
        note('BullMQ against the hop', bullmq.own / readable.own, '×'),
      ],
    }
  },
})

const NAMES: Readonly<Record<string, string>> = { java: 'Kafka', 'redis-server': 'Redis' }

function beside({ servers }: Used): Note[] {
  return Object.entries(servers).map(([server, value]) => note(`  ${NAMES[server]} meanwhile`, value, 'CPU-s/M'))
}

function whole({ own, servers }: Used): number {
  return own + Object.values(servers).reduce((sum, value) => sum + value, 0)
}
