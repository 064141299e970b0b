import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { checkAcknowledged } from './acknowledged.ts'
import { checkFiles, checkLedger } from './audit.ts'
import { type Findings, shortened } from './findings.ts'
import { Harness, until } from './harness.ts'
import { readLog } from './log.ts'
import type { Millrace } from './millrace.ts'
import { seeded, seedOf } from './random.ts'
import { checkCache, checkFold, checkOutputs } from './recompute.ts'

const FILE = fileURLToPath(new URL('./versions-pipeline.ts', import.meta.url))
/** An exchange of agents takes about so long. */
const LONGEST_MS = 1_500
/** On a crowded machine a process alone takes half of it to be there again. */
const DEADLINE_MS = 60_000

it('a process killed at any moment of a promotion, a decommission or a pause loses and doubles nothing', { timeout: 240_000 }, async () => {
  const random = seeded(seedOf('kill-during-hand-over'))
  await using harness = new Harness(random, { pipeline: FILE })
  let millrace = harness.start()
  harness.send()
  const follows = follower(harness)

  /** Decides, kills at any moment after the decision is under way, and starts again, until it is so. */
  async function killedWhile(kills: number, path: string, body: object, isSo: () => Promise<boolean>): Promise<void> {
    for (let kill = 0; kill < kills; kill++) {
      await millrace.ready
      // The answer may be cut off with the process, and the same be asked twice: the second is refused where the first is durable.
      void decide(millrace, path, body)
      await sleep(random() * LONGEST_MS)
      millrace.signal('SIGKILL')
      await millrace.ended
      millrace = harness.start()
    }
    await millrace.ready
    await decide(millrace, path, body)
    await until(`${path} ${JSON.stringify(body)} is followed\n${millrace.errors}`, DEADLINE_MS, isSo)
  }

  await millrace.ready
  await until(
    'all are at work',
    DEADLINE_MS,
    async () => (await follows.done('_shadow.total@3')) > 100 && (await follows.done('total@1')) > 100,
  )
  await killedWhile(2, 'versions/promote', { agent: 'total@2' }, async () => (await follows.done('total@2')) > 0)
  await killedWhile(1, 'versions/promote', { agent: 'total@3' }, async () => (await follows.done('total@3')) > 0)
  await killedWhile(
    2,
    'versions/decommission',
    { agent: 'echo@1' },
    async () => (await follows.state(millrace, 'echo')) === 'decommissioned',
  )
  const kept = await follows.offsets('echo@1')
  await until('more comes', DEADLINE_MS, async () => (await follows.behind('echo@1')) > 100)
  expect(await follows.offsets('echo@1')).toEqual(kept)
  await decide(millrace, 'versions/decommission', { agent: 'echo@1', undo: true })
  await until('it goes on', DEADLINE_MS, async () => (await follows.behind('echo@1')) < 100)
  await killedWhile(2, 'agents/pause', { agent: 'echo@1' }, async () => (await follows.state(millrace, 'echo')) === 'paused')
  // What it had in hand is committed, or will be done again: its place says which.
  await decide(millrace, 'agents/resume', { agent: 'echo@1' })

  await harness.finish()
  await until(`all is handled\n${millrace.errors}`, DEADLINE_MS, async () => {
    const groups = ['total@3', 'echo@1', 'lake@1']
    return (await Promise.all(groups.map(group => follows.behind(group)))).every(left => left === 0)
  })
  await millrace.stop()
  expect(harness.acknowledged).toBeGreaterThan(1_000)
  expect(await audited(harness)).toEqual([])
})

/** What was acknowledged against what took effect: in the log, the cache and the files. */
async function audited(harness: Harness): Promise<Findings> {
  const findings: Findings = []
  const view = await viewEmbedded(harness.data)
  try {
    const [readings, totals, standings] = [await readLog(view, 'readings'), await readLog(view, 'totals'), await view.standings()]
    checkAcknowledged(readings, harness.producers, findings)
    checkLedger(standings, findings)
    checkOutputs('total', readings, totals, findings)
    checkFold(readings, totals, findings)
    await checkCache(view, readings, findings)
    checkOutputs('echo', readings, await readLog(view, 'echoes'), findings)
    checkFiles(harness.lake, standings, totals, findings)
    // A shadow was a shadow to its end: what it made of a datum, it made once.
    for (const version of [2, 3]) {
      const apart = await readLog(view, `_shadow.total@${version}.totals`)
      const causes = new Set(apart.map(({ parents }) => parents[0]))
      if (causes.size !== apart.length)
        findings.push(`doubled: the shadow total@${version} has ${apart.length} outputs of ${causes.size} data`)
    }
    return shortened(findings)
  } finally {
    await view.close()
  }
}

function follower(harness: Harness) {
  const rows = async (group: string) => {
    const view = await viewEmbedded(harness.data)
    try {
      return (await view.standings()).filter(standing => standing.group === group)
    } finally {
      await view.close()
    }
  }
  return {
    done: async (group: string) => (await rows(group)).reduce((sum, { checkpoint }) => sum + checkpoint.done, 0),
    behind: async (group: string) => (await rows(group)).reduce((sum, { next, checkpoint }) => sum + next - checkpoint.offset, 0),
    offsets: async (group: string) => (await rows(group)).map(({ topic, partition, checkpoint }) => [topic, partition, checkpoint.offset]),
    async state(millrace: Millrace, agent: string) {
      const { operators } = await millrace.ready
      const { agents } = (await (await fetch(`${operators}/v1/agents`)).json()) as { agents: { agent: string; state: string }[] } // our own API
      return agents.find(each => each.agent === agent)?.state
    },
  }
}

async function decide(millrace: Millrace, path: string, body: object): Promise<void> {
  const { operators } = await millrace.ready
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  // Killed in the middle of it, it gives no answer.
  const response = await fetch(`${operators}/v1/${path}`, init).catch(() => undefined)
  if (response === undefined || response.ok) return
  const { detail } = (await response.json().catch(() => ({ detail: 'cut off' }))) as { detail: string } // problem details
  if (!/already|cut off/.test(detail)) throw new Error(detail)
}
