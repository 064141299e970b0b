import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type EmbeddedEngine, type EmbeddedOptions, openEmbedded } from '../../../src/engine/embedded/index.ts'

/** Data directories of one test file, and the engines opened on them: closed and removed after each test. */
export function dataDirectories(): {
  directory(): string
  open(options: EmbeddedOptions): Promise<EmbeddedEngine>
} {
  const directories: string[] = []
  const engines: EmbeddedEngine[] = []
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close()
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
  })
  return {
    directory() {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-embedded-'))
      directories.push(directory)
      return directory
    },
    async open(options) {
      const engine = await openEmbedded(options)
      engines.push(engine)
      return engine
    },
  }
}
