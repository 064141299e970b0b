import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { it } from 'vitest'
import { watchUserFiles } from '../../src/runtime/watch.ts'
import { eventually } from '../../src/testing/framework.ts'
import { Project } from './project.ts'

it('a folder that is deleted and made again is watched again, once the files are looked at anew', async () => {
  using project = new Project({ 'lib/pipeline.ts': 'export default 1' })
  const folder = project.path('lib')
  const file = project.path('lib/pipeline.ts')
  let changes = 0
  const watching = watchUserFiles(file, () => changes++)
  try {
    rmSync(folder, { recursive: true })
    await eventually('its deletion is a change', () => changes > 0 || undefined)
    // As after a reload that failed: the folder is not there, and that is no error.
    watching.follow(false)
    mkdirSync(folder)
    writeFileSync(file, 'export default 2')
    watching.follow(true)
    const before = changes
    writeFileSync(file, 'export default 3')
    await eventually('a change in the new folder is one', () => changes > before || undefined)
  } finally {
    watching.close()
  }
})
