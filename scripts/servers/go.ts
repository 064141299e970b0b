import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { has, need, run } from './run.ts'
import type { Step } from './step.ts'

export interface GoProgram {
  /** What it is called here. */
  readonly program: string
  /** The package of its main function. */
  readonly source: string
  readonly version: string
  readonly how: string
}

/** A program built from its source by `go install`, of exactly that version. */
export function goProgram({ program, source, version, how }: GoProgram): Step {
  const file = cacheFolder('bin', program)
  return {
    name: `${program} ${version}`,
    how: `by go install, ${how}`,
    present: () => existsSync(file) && (!has('go') || run('go', ['version', '-m', file]).includes(`\t${version}\t`)),
    install: () => {
      need('go', `to build ${program}`, 'https://go.dev/dl')
      const partial = cacheFolder('go.partial')
      rmSync(partial, { recursive: true, force: true })
      mkdirSync(partial, { recursive: true })
      run('go', ['install', '-trimpath', `${source}@${version}`], { env: { GOBIN: partial } })
      mkdirSync(dirname(file), { recursive: true })
      renameSync(join(partial, basename(source)), file)
      rmSync(partial, { recursive: true })
    },
  }
}
