import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { eventually, within } from '../../../src/testing/framework.ts'
import { spills } from './spills.ts'

const { directory } = spills()
const ACKNOWLEDGED = 300

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

function start(at: string, life: number, dieIn: string): { child: ChildProcess; ended: Promise<unknown[]> } {
  const script = new URL('./spilling-process.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [...process.execArgv, script, at, String(life), dieIn], { stdio: ['ignore', 'inherit', 'inherit'] })
  running.add(child)
  child.once('close', () => running.delete(child))
  return { child, ended: once(child, 'close') }
}

/** Whole lines: one cut short was not said to the end. */
function lines(file: string): string[] {
  if (!existsSync(file)) return []
  const text = readFileSync(file, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
}

/** Runs it until it dies in a state, and once more to the end. @returns what was acknowledged, and what is in the stream, without copies. */
async function liveAndDie(at: string, lives: readonly string[]): Promise<{ acknowledged: string[]; stored: string[] }> {
  const acknowledged = join(at, 'acknowledged.log')
  for (const [life, dieIn] of lives.entries()) {
    const { child, ended } = start(at, life, dieIn)
    if (dieIn === 'spilling') {
      const before = lines(acknowledged).length
      await eventually('enough was acknowledged', () => (lines(acknowledged).length > before + ACKNOWLEDGED ? true : undefined))
      child.kill('SIGKILL')
    }
    expect(await within(`it dies while ${dieIn}`, ended)).toEqual([null, 'SIGKILL'])
  }
  const { ended } = start(at, lives.length, 'end')
  expect(await within('the last process drains everything and ends', ended)).toEqual([0, null])
  return { acknowledged: lines(acknowledged), stored: [...new Set(lines(join(at, 'stream.log')))] }
}

/** `partition life-writer-turn`: a writer waits for each answer, and a life begins when the one before is over. */
function outOfOrder(acknowledged: readonly string[], stored: readonly string[]): string[] {
  const there = new Set(acknowledged)
  const last = new Map<string, number>()
  return stored.filter(line => {
    if (!there.has(line)) return false
    const [partition, life, writer, turn] = line.split(/[ -]/).map(Number)
    const ranks: [string, number][] = [
      [`${partition}`, life!],
      [`${partition} ${life} ${writer}`, turn!],
    ]
    const isBehind = ranks.some(([key, rank]) => (last.get(key) ?? -1) > rank)
    for (const [key, rank] of ranks) last.set(key, Math.max(rank, last.get(key) ?? -1))
    return isBehind
  })
}

const DEATHS: readonly (readonly string[])[] = [
  ['spilling'],
  ['draining'],
  ['handing-over'],
  ['direct'],
  // One after the other, each with what the one before has left.
  ['spilling', 'draining', 'spilling', 'handing-over', 'direct'],
]
for (const lives of DEATHS) {
  test(`SIGKILL while ${lives.join(', then ')} loses nothing accepted, and the next process sends the rest in order`, async () => {
    const at = directory()
    const { acknowledged, stored } = await liveAndDie(at, lives)
    expect(acknowledged.length).toBeGreaterThan(10)
    const there = new Set(stored)
    expect(acknowledged.filter(line => !there.has(line))).toEqual([])
    expect(outOfOrder(acknowledged, stored)).toEqual([])
  })
}
