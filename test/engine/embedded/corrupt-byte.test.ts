import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { viewEmbedded } from '../../../src/engine/embedded/index.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, dataOf, spec } from '../../../src/testing/suite-data.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()

/** Three record batches of one partition; one bit of the second has turned since. */
async function damaged(): Promise<string> {
  const at = directory()
  const engine = await open({ directory: at })
  await engine.ensure([spec('demand')])
  for (const text of ['before', 'the datum to be damaged', 'after']) await engine.append([batch('demand', 0, [text, `${text} too`])])
  await engine.close()
  const file = join(at, 'millrace.db')
  const bytes = readFileSync(file)
  const byte = bytes.indexOf('to be damaged')
  bytes[byte] = bytes[byte]! ^ 1
  writeFileSync(file, bytes)
  return at
}

test('a damaged byte is reported with topic, partition and offset, and never skipped', async () => {
  const engine = await open({ directory: await damaged() })
  const error = await refused('reading the damaged batch', 'LOG_CORRUPT', () => engine.read('demand', 0, 2, 1_000_000))
  expect(error.message).toContain("Topic 'demand', partition 0, offset 2")
  await refused('reading it again', 'LOG_CORRUPT', () => engine.read('demand', 0, 3, 1_000_000))
})

test('what lies before the damage and after it is still read', async () => {
  const engine = await open({ directory: await damaged() })
  expect(dataOf(await engine.read('demand', 0, 0, 1_000_000)).map(d => d.text)).toEqual(['before', 'before too'])
  expect(dataOf(await engine.read('demand', 0, 4, 1_000_000)).map(d => d.text)).toEqual(['after', 'after too'])
})

test('an agent that comes to the damage is told, too', async () => {
  const engine = await open({ directory: await damaged() })
  for await (const lease of engine.subscribe({ name: 'forecast@1', edition: 1 }, ['demand'], 'earliest')) {
    await refused('fetching the damaged batch', 'LOG_CORRUPT', () => lease.fetch({ topic: 'demand', partition: 0 }, 2, 1_000_000))
    break
  }
})

test('a view reports it as well', async () => {
  const view = viewEmbedded(await damaged())
  await refused('viewing the damaged batch', 'LOG_CORRUPT', () => view.read('demand', 0, 2, 1_000_000))
  await view.close()
})
