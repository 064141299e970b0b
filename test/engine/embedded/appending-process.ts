import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { batch, spec } from '../../../src/testing/suite-data.ts'

/* Appends to a data directory until it is killed, and says on stdout what was acknowledged: partition, then text, a line each. */

const PARTITIONS = 4
const WRITERS = 8
const [, , directory = ''] = process.argv
const engine = await openEmbedded({ directory })
await engine.ensure([spec('demand', PARTITIONS)])
let turn = 0

async function write(writer: number): Promise<never> {
  for (;;) {
    const partition = turn++ % PARTITIONS
    const texts = Array.from({ length: 1 + (turn % 20) }, (_, i) => `${process.pid}-${writer}-${turn}-${i}`)
    await engine.append([batch('demand', partition, texts)])
    process.stdout.write(texts.map(text => `${partition} ${text}\n`).join(''))
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
