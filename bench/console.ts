import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { child, interleaved, medianRatio } from './child.ts'
import { atMost, type Bench, note } from './figure.ts'

const PIPELINE = fileURLToPath(new URL('pipelines/hop.ts', import.meta.url))
const ROUNDS = 5
const SECONDS = 3
const LINES = 100
const PER_SECOND = 5_000
const KEYS = 100
const CONNECTIONS = 8
/** As fast as they are taken: what a slower flow would show in. */
const FLOOD = 2_000
/** A page of the console, and a tail that looks into every datum. */
const WATCHED = ['/v1/events', '/v1/topics/reading/tail?rate=50&where=megawatts>1']
/** A person who asks where a datum is, and when that is answered where the next one is. */
const ASKS_EVERY_MS = 500

interface Measured {
  readonly cpu: number
  readonly seconds: number
}

/** What the console costs while it is open, and whether the flow is slower for it. */
export const watching = (directory: string): Bench => ({
  name: 'console',
  async run(say) {
    const [load, server] = await Promise.all([child('load.ts'), child('millrace-server.ts', [PIPELINE, join(directory, 'console')])])
    const at = {
      port: server.ready.port,
      path: '/v1/topics/reading/batch',
      key: server.ready.key,
      lines: LINES,
      keys: KEYS,
      connections: CONNECTIONS,
    }
    const paced = { ...at, requests: (SECONDS * PER_SECOND) / LINES, rate: PER_SECOND / LINES }
    const flood = { ...at, requests: FLOOD }
    const measure = async (asked: typeof flood, watched: 'nobody' | 'a page' | 'a page and traces'): Promise<Measured> => {
      const pages = watched === 'nobody' ? undefined : await open(String(server.ready.ops), watched === 'a page and traces')
      const before = await server.ask<number>('cpu')
      const { seconds } = await load.ask<{ seconds: number }>('run', asked)
      await server.ask('caughtUp')
      const cpu = (await server.ask<number>('cpu')) - before
      await pages?.close()
      return { cpu, seconds }
    }
    say('compiling')
    await measure(paced, 'a page and traces')
    say(
      `${PER_SECOND} data/s for ${SECONDS} s, then as fast as they are taken, with and without a page and a tail, ${ROUNDS} rounds in turn`,
    )
    const {
      alone,
      open: watched,
      fast,
      fastOpen,
    } = await interleaved<'alone' | 'open' | 'fast' | 'fastOpen', Measured>(ROUNDS, {
      alone: () => measure(paced, 'nobody'),
      open: () => measure(paced, 'a page'),
      fast: () => measure(flood, 'nobody'),
      fastOpen: () => measure(flood, 'a page and traces'),
    })
    await Promise.all([load.stop(), server.stop()])
    const more = watched.map(({ cpu }, round) => (100 * (cpu - alone[round]!.cpu)) / (SECONDS * 1_000_000)).sort((a, b) => a - b)
    const took = (rounds: readonly Measured[]) => rounds.map(({ seconds }) => seconds)
    return {
      figures: [
        atMost('a page and a tail on 5,000 data/s', more[Math.floor(more.length / 2)]!, '% of a core more', 5),
        atMost(
          'taking data with a page and a tail open and traces asked for, against none',
          medianRatio(took(fastOpen), took(fast)),
          '× as long',
          1.15,
        ),
      ],
      notes: [note('5,000 data/s with nobody looking', Math.min(...alone.map(({ cpu }) => cpu)) / (SECONDS * 10_000), '% of a core')],
    }
  },
})

/** Reads all that comes, as a browser does. @returns once each has been answered. */
async function open(url: string, traces: boolean): Promise<{ close(): Promise<void> }> {
  const leaving = new AbortController()
  const { signal } = leaving
  let seen: string | undefined
  const streams = await Promise.all(WATCHED.map(path => fetch(`${url}${path}`, { signal })))
  const read = streams.map(async ({ body }) => {
    for await (const chunk of body ?? []) seen = /"data_id":"([^"]+)"/.exec(Buffer.from(chunk).toString())?.[1] ?? seen
  })
  const ask = async () => {
    for (; !signal.aborted; await sleep(ASKS_EVERY_MS, undefined, { signal })) {
      if (seen === undefined) continue
      const answer = await fetch(`${url}/v1/data/${seen}`, { signal })
      if (!answer.ok) throw new Error(`A trace was answered ${answer.status}: ${await answer.text()}`)
      await answer.arrayBuffer()
    }
  }
  const working = [...read, ...(traces ? [ask()] : [])].map(each =>
    each.catch((error: unknown) => {
      // That is how it is left.
      if (!signal.aborted) throw error
    }),
  )
  return {
    async close() {
      leaving.abort()
      await Promise.all(working)
    },
  }
}
