import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Harness, until } from './harness.ts'
import { seeded, seedOf } from './random.ts'

function refusals(harness: Harness): number {
  return harness.producers.reduce((sum, { answers }) => sum + (answers.get('507') ?? 0) + (answers.get('503') ?? 0), 0)
}

it('data beyond the size limit are refused with 507, nothing acknowledged is lost, and a larger limit lets them in', {
  timeout: 120_000,
}, async () => {
  await using harness = new Harness(seeded(seedOf('disk-full size')), { lines: 500 })
  const full = harness.start(undefined, ['--size', '6MB'])
  harness.send()
  await until('producers are refused', 60_000, () => refusals(harness) > 20)
  // Full, and still there to say so.
  const { operators } = await full.ready
  expect((await fetch(`${operators}/health/live`)).status).toBe(200)
  expect(await full.stop(), full.errors).toBe(0)
  expect(await harness.audit(), 'while full').toEqual([])

  harness.start()
  await harness.finish()
  await harness.rest(60_000)
  expect(await harness.audit(), 'at rest').toEqual([])
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('disk-full on a real file system is not tested: mounting one needs root')

it.runIf(isRoot)('a full disk refuses data and takes them again once there is room, without a restart', { timeout: 120_000 }, async () => {
  const disk = mkdtempSync(join(tmpdir(), 'millrace-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk])
  try {
    await using harness = new Harness(seeded(seedOf('disk-full tmpfs')), { lines: 500, data: join(disk, 'data') })
    const millrace = harness.start()
    await millrace.ready
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(40_000_000))
    harness.send()
    await until('producers are refused', 60_000, () => refusals(harness) > 20)
    rmSync(ballast)
    await harness.finish()
    await harness.rest(60_000)
    expect(await harness.audit(), 'at rest').toEqual([])
    expect(await millrace.stop(), millrace.errors).toBe(0)
  } finally {
    execFileSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true })
  }
})
