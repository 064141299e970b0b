import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { child } from './child.ts'
import { atMost, type Bench, cpuAtMost } from './figure.ts'

export const FEW = 50_000
export const MANY = 450_000
const KEYS = 100
const ROUNDS = 3

/** Starts what works beside the measured process, at its URL for workers. @returns what ends it. */
export type Beside = (attach: string) => () => void

/** Microseconds that a process takes to start and to work through `count` data that wait in the stream: of its own CPU, and of the clock. */
export async function work(
  pipeline: string,
  directory: string,
  count: number,
  beside?: Beside,
): Promise<{ readonly cpu: number; readonly elapsed: number }> {
  await (await child('fill.ts', [directory, String(count), String(KEYS)])).stop()
  const began = performance.now()
  const server = await child('millrace-server.ts', [pipeline, directory])
  const end = beside?.(String(server.ready.attach))
  await server.ask('caughtUp')
  const elapsed = (performance.now() - began) * 1_000
  const cpu = await server.ask<number>('cpu')
  end?.()
  await server.stop()
  return { cpu, elapsed }
}

/**
 * Cost a datum is the slope between two sizes: starting the process is in both and in neither.
 * @param paceGoal microseconds of the clock, for what is not Millrace's work alone.
 * @param beside what does the work, where the measured process does not start it itself.
 */
export function replay(name: string, file: string, goal: number, directory: string, paceGoal?: number, beside?: Beside): Bench {
  return {
    name,
    async run(say, machine) {
      const pipeline = fileURLToPath(new URL(`pipelines/${file}.ts`, import.meta.url))
      process.env.BENCH_LAKE = join(directory, `${file}-lake`)
      const rounds = []
      let pace = Number.POSITIVE_INFINITY
      let before = await machine()
      for (let round = 0; round < ROUNDS; round++) {
        say(`round ${round + 1} of ${ROUNDS}: ${FEW} and ${MANY} data`)
        const few = await work(pipeline, join(directory, `${file}-${round}-few`), FEW, beside)
        const many = await work(pipeline, join(directory, `${file}-${round}-many`), MANY, beside)
        const after = await machine()
        rounds.push({ cost: (many.cpu - few.cpu) / (MANY - FEW), factor: (before.factor + after.factor) / 2 })
        pace = Math.min(pace, (many.elapsed - few.elapsed) / (MANY - FEW))
        before = after
      }
      const paced = paceGoal === undefined ? [] : [atMost(`${name}, elapsed`, pace, 'µs a datum', paceGoal)]
      return { figures: [cpuAtMost(name, rounds, goal), ...paced], notes: [] }
    },
  }
}
