/** Fills a data directory with readings, as the front end would frame them: `fill.ts DIRECTORY COUNT KEYS`. */

import { openEmbedded } from '../src/engine/embedded/index.ts'
import { serve } from './child.ts'
import { framedReadings } from './framed.ts'
import { readings } from './pipelines/ingest.ts'

const [directory, count, keys] = process.argv.slice(2) as [string, string, string]
const engine = await openEmbedded({ directory })
await engine.ensure([readings.spec])
for (const batches of framedReadings(Number(count), Number(keys))) await engine.append(batches)
await engine.close()
serve({}, {}, async () => {})
