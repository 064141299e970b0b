import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { eventually } from '../../../src/testing/framework.ts'
import { readAll } from '../../../src/testing/suite-data.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()
const LIVES = 4
const ACKNOWLEDGED_A_LIFE = 400

/** Lets a process append until it has acknowledged enough, and kills it in the middle of whatever it does. */
async function live(at: string): Promise<string[]> {
  const child = spawn(process.execPath, [...process.execArgv, new URL('./appending-process.ts', import.meta.url).pathname, at], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = once(child, 'close')
  await eventually('enough was acknowledged', () => (said.split('\n').length > ACKNOWLEDGED_A_LIFE ? true : undefined))
  child.kill('SIGKILL')
  await ended
  // A line cut short was not said to the end.
  return said.slice(0, said.lastIndexOf('\n')).split('\n')
}

test('SIGKILL at any time loses nothing acknowledged, doubles nothing, and the next process goes on', async () => {
  const at = directory()
  const acknowledged: string[] = []
  for (let life = 0; life < LIVES; life++) acknowledged.push(...(await live(at)))
  const engine = await open({ directory: at })
  const stored: string[] = []
  for (let partition = 0; partition < 4; partition++) {
    for (const text of await readAll(engine, 'demand', partition)) stored.push(`${partition} ${text}`)
  }
  expect(new Set(stored).size).toBe(stored.length)
  const there = new Set(stored)
  expect(acknowledged.filter(line => !there.has(line))).toEqual([])
})
