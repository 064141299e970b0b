import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { child } from './child.ts'
import { atMost, type Bench } from './figure.ts'

const FEW = 50_000
const MANY = 450_000
const KEYS = 100
const ROUNDS = 3

/** CPU microseconds that a warm process takes to work through `count` data that wait in the stream. */
async function work(pipeline: string, directory: string, count: number): Promise<number> {
  await (await child('fill.ts', [directory, String(count), String(KEYS)])).stop()
  const server = await child('millrace-server.ts', [pipeline, directory])
  await server.ask('caughtUp')
  const used = await server.ask<number>('cpu')
  await server.stop()
  return used
}

/** Cost a datum is the slope between two sizes: starting the process is in both and in neither. */
export function replay(name: string, file: string, goal: number, directory: string): Bench {
  return {
    name,
    async run(say) {
      const pipeline = fileURLToPath(new URL(`pipelines/${file}.ts`, import.meta.url))
      process.env.BENCH_LAKE = join(directory, `${file}-lake`)
      let least = Number.POSITIVE_INFINITY
      for (let round = 0; round < ROUNDS; round++) {
        say(`round ${round + 1} of ${ROUNDS}: ${FEW} and ${MANY} data`)
        const few = await work(pipeline, join(directory, `${file}-${round}-few`), FEW)
        const many = await work(pipeline, join(directory, `${file}-${round}-many`), MANY)
        least = Math.min(least, (many - few) / (MANY - FEW))
      }
      return { figures: [atMost(name, least, 'CPU-s/M', goal)], notes: [] }
    },
  }
}
