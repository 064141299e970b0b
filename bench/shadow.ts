import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interleaved, medianRatio } from './child.ts'
import { atMost, type Bench, note } from './figure.ts'
import { FEW, MANY, work } from './replay.ts'

const ROUNDS = 5
/** A shadow does what a version does and no more; rounds of the same thing differ by that much and more from each other. */
const GOAL = 1.1

/** What a shadow costs beside a live version, against another live version in its stead. */
export function shadow(directory: string): Bench {
  const name = 'a shadow against another live version'
  return {
    name,
    async run(say) {
      let runs = 0
      const slope = (file: string) => async () => {
        const pipeline = fileURLToPath(new URL(`pipelines/${file}.ts`, import.meta.url))
        const at = join(directory, `${file}-${runs++}`)
        say(`run ${runs} of ${ROUNDS * 2}: ${file}`)
        const few = await work(pipeline, `${at}-few`, FEW)
        const many = await work(pipeline, `${at}-many`, MANY)
        return (many.cpu - few.cpu) / (MANY - FEW)
      }
      const { shadowed, beside } = await interleaved(ROUNDS, { shadowed: slope('hop-shadow'), beside: slope('hop-beside') })
      const ratio = medianRatio(shadowed, beside)
      return {
        figures: [atMost(name, ratio, 'of its CPU', GOAL)],
        notes: [
          note('a live version and a shadow', Math.min(...shadowed), 'CPU-s/M'),
          note('two live versions', Math.min(...beside), 'CPU-s/M'),
        ],
      }
    },
  }
}
