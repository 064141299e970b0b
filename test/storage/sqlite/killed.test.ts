import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { seeded, seedOf } from '../../faults/random.ts'
import { scratch } from './scratch.ts'

const CHILD = join(import.meta.dirname, 'storing-child.ts')
/** More than a life is long enough to send. */
const DATA_A_LIFE = 200_000
const LONGEST_MS = 400
/** Where a life ends: at a step of the roll, each time that it comes to it; or at any moment. */
const LIVES = ['after-intent:2', 'in-roll:3', 'after-roll:2', undefined, undefined]

it('SIGKILL at any moment while it stores loses nothing acknowledged and doubles nothing', { timeout: 60_000 }, async () => {
  const random = seeded(seedOf('sqlite killed'))
  const { folder, file, sql } = scratch()
  const acknowledged: string[] = []

  async function live(data: number, failpoint?: string, kill = false): Promise<string> {
    const child = spawn(process.execPath, [...process.execArgv, CHILD, folder, file, String(data)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MILLRACE_FAILPOINT: failpoint ?? '' },
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const ended = once(child, 'close')
    if (kill) {
      await Promise.race([once(child.stdout, 'data'), ended])
      await sleep(random() * LONGEST_MS)
      child.kill('SIGKILL')
    }
    const [code, signal] = await ended
    // A line cut short was not said to the end.
    acknowledged.push(
      ...said
        .slice(0, said.lastIndexOf('\n'))
        .split('\n')
        .filter(line => line.includes('-')),
    )
    return signal ?? String(code)
  }

  for (const failpoint of LIVES) expect(await live(DATA_A_LIFE, failpoint, failpoint === undefined), failpoint).toBe('SIGKILL')
  expect(await live(0)).toBe('0')
  console.log(`sqlite killed: ${acknowledged.length} acknowledged in ${LIVES.length} lives`)
  expect(acknowledged.length).toBeGreaterThan(LIVES.length * 100)
  const stored = sql('SELECT data_id AS id FROM numbers').map(({ id }) => String(id))
  const there = new Set(stored)
  expect(there.size).toBe(stored.length)
  expect(acknowledged.filter(id => !there.has(id))).toEqual([])
})
