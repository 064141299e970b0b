import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agent, pipeline, remoteAgent, topic } from 'millrace'
import { attached } from 'millrace/remote'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { completeLimits } from '../../src/frontend/limits.ts'
import { Desks } from '../../src/runtime/attach/desks.ts'
import { listenForWorkers } from '../../src/runtime/attach/listener.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { grid, open } from '../frontend/door.ts'
import { listen } from './ops.ts'

const SAMPLES: Readonly<Record<string, string>> = { topic: 'demand', agent: 'mood', name: 'demand' }

/** Every route of the operators’ listener, as a request: a new one is tried, too. */
async function operatorsRoutes(): Promise<{ readonly method: string; readonly path: string }[]> {
  const feedback = topic('feedback', z.unknown())
  const mood = remoteAgent('mood', { version: 1, from: feedback, to: topic('sentiment', z.unknown()), run: attached() })
  const local = pipeline('local', { agents: [mood, agent('rest', { version: 1, from: feedback, to: [] }, () => undefined)] })
  await using ops = await listen([], {
    pipeline: local,
    decide: () => Promise.reject(new Error('nothing is decided here')),
    keysFile: 'none.json',
  })
  return ops.routes.map(route => {
    const [method = '', path = ''] = route.split(' ')
    return { method, path: path.replace(/:(\w+)/g, (_, name: string) => SAMPLES[name] ?? '1').replace('*', 'index.html') }
  })
}

async function answersOf(url: string, routes: Awaited<ReturnType<typeof operatorsRoutes>>): Promise<Map<string, number>> {
  const answers = new Map<string, number>()
  for (const { method, path } of routes) {
    const change = { body: '{}', headers: { 'content-type': 'application/json' } }
    const response = await fetch(url + path, { method, redirect: 'manual', ...(method === 'GET' || method === 'HEAD' ? {} : change) })
    await response.body?.cancel()
    answers.set(`${method} ${path}`, response.status)
  }
  return answers
}

test('the listener for producers serves none of the operators’ routes', async () => {
  const routes = await operatorsRoutes()
  expect(routes.length).toBeGreaterThan(30)
  await using door = await open({ pipeline: grid })
  const answers = await answersOf(door.front.url, routes)
  expect([...answers].filter(([, status]) => status !== 404 && status !== 405)).toEqual([])
})

test('the listener for workers serves none of them either', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-workers-'))
  const listener = await listenForWorkers({
    desks: new Desks(),
    address: { host: '127.0.0.1', port: 0 },
    keysFile: join(directory, 'agent-keys.json'),
    limits: completeLimits({}),
    clock: systemClock,
    log: silentLog,
  })
  try {
    const answers = await answersOf(listener.url, await operatorsRoutes())
    expect([...answers].filter(([, status]) => status !== 404 && status !== 405)).toEqual([])
  } finally {
    await listener.close(0)
    await rm(directory, { recursive: true })
  }
})
