import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { folder, millrace } from './millrace.ts'

const TOPICS = 10_000

it('an answer of any length is whole, though the process ends at once after a file of the user’s was loaded', async () => {
  const cwd = folder()
  writeFileSync(
    join(cwd, 'pipeline.ts'),
    `import { bytes, pipeline, topic } from 'millrace'
// What a user's module leaves open must not keep the command there.
setInterval(() => {}, 1_000)
export default pipeline('many', { agents: [], topics: Array.from({ length: ${TOPICS} }, (_, i) => topic('topic-' + i, bytes())) })
`,
  )
  const { code, stdout } = await millrace(['check', 'pipeline.ts', '--no-types', '--json'], { cwd })
  expect(code).toBe(0)
  expect(stdout.length).toBeGreaterThan(500_000)
  expect(JSON.parse(stdout).topics).toHaveLength(TOPICS)
})
