import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
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

export interface GoModule {
  /** What it is called here. */
  readonly program: string
  readonly version: string
  readonly how: string
  /** The modules that it is made of, without their version. */
  readonly parts: readonly string[]
  /** What is built: a package of these, or a file of ours. */
  readonly main: string
}

/** A program built as part of a module made for it: of modules that replace others, which `go install` refuses, or put together of several. */
export function goModule({ program, version, how, parts, main }: GoModule): Step {
  const file = cacheFolder('bin', program)
  return {
    name: `${program} ${version}`,
    how: `by go build, ${how}`,
    present: () => existsSync(file),
    install: () => {
      need('go', `to build ${program}`, 'https://go.dev/dl')
      const partial = cacheFolder(`${program}.partial`)
      rmSync(partial, { recursive: true, force: true })
      mkdirSync(partial, { recursive: true })
      const isOurs = main.endsWith('.go')
      if (isOurs) copyFileSync(main, join(partial, 'main.go'))
      run('go', ['mod', 'init', 'servers'], { cwd: partial })
      run('go', ['get', ...parts.map(part => `${part}@${version}`)], { cwd: partial })
      run('go', ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', program, isOurs ? '.' : main], { cwd: partial })
      mkdirSync(dirname(file), { recursive: true })
      renameSync(join(partial, program), file)
      rmSync(partial, { recursive: true })
    },
  }
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
