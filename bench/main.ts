/**
 * `npm run bench`: what Millrace costs on this machine, against goals and floors measured in the same run. `-- --json` prints a line
 * a figure; `-- hop files` runs those alone; `-- distributed` runs those on real servers (Kafka, Redis, PostgreSQL, S3), `-- distributed hop`
 * one of them. Exits 1 when a goal is missed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { watching } from './console.ts'
import { hop } from './distributed/hop.ts'
import { ingest as distributedIngest } from './distributed/ingest.ts'
import { Servers } from './distributed/servers.ts'
import { standing } from './distributed/standing.ts'
import { stores } from './distributed/stores.ts'
import { shown } from './figure.ts'
import { ingest } from './ingest.ts'
import { replay } from './replay.ts'
import { shadow } from './shadow.ts'
import { idle, memory, open } from './standing.ts'
import { worker } from './worker.ts'
import { described, type Speed, Yardstick } from './yardstick.ts'

const DISTRIBUTED = 'distributed'
const { values, positionals } = parseArgs({ options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const servers = new Servers()
const benches = positionals.includes(DISTRIBUTED)
  ? [distributedIngest, hop, stores, standing].map(bench => bench(directory, servers))
  : [
      ingest(directory),
      replay('an agent hop', 'hop', 9, directory),
      replay('an agent hop in a Python child', 'hop-python', 25, directory, 50),
      replay('an agent hop through attached()', 'hop-attached', 30, directory, 50, worker),
      shadow(directory),
      replay('files of NDJSON with zstd', 'files-ndjson', 4, directory),
      replay('files of Parquet', 'files-parquet', 20, directory),
      open(directory),
      idle(directory),
      memory(directory),
      watching(directory),
    ]
const words = positionals.filter(word => word !== DISTRIBUTED)
const chosen = benches.filter(bench => words.length === 0 || words.some(word => bench.name.includes(word)))
if (chosen.length === 0) {
  console.error(`No benchmark is called ${words.join(' or ')}. There are: ${benches.map(bench => bench.name).join(', ')}.`)
  process.exit(2)
}
let missed = 0
try {
  await using yardstick = await Yardstick.open()
  const speeds: Speed[] = []
  const machine = async () => {
    const speed = await yardstick.measure()
    speeds.push(speed)
    return speed
  }
  for (const bench of chosen) {
    console.error(`${bench.name}…`)
    speeds.length = 0
    const { figures, notes } = await bench.run(text => console.error(`  ${text}`), machine)
    for (const figure of figures) {
      if (!figure.ok) missed++
      console.log(values.json ? JSON.stringify(figure) : shown(figure))
    }
    for (const { note, value, unit } of notes) console.error(`  ${note}: ${value} ${unit}`)
    for (const line of speeds.flatMap(described)) console.error(`  ${line}`)
  }
} finally {
  await servers.stop()
  rmSync(directory, { recursive: true, force: true })
}
process.exitCode = missed > 0 ? 1 : 0
