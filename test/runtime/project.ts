import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A user's folder: their own files, their own node_modules, nothing of Millrace's in it. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-'))

  constructor(files: Readonly<Record<string, string>>) {
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(join(ROOT, 'node_modules/zod'), join(this.folder, 'node_modules/zod'))
    for (const [name, content] of Object.entries(files)) this.write(name, content)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), content)
  }

  /** Runs TypeScript against Millrace's source, outside the test runner, whose own module loader would take the place of Node's. */
  run(code: string): Promise<string> {
    this.write('run.mts', code.replaceAll('src:', new URL('../../src/', import.meta.url).href))
    const args = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', this.path('run.mts')]
    return new Promise((resolve, reject) => {
      execFile(process.execPath, args, { cwd: this.folder }, (error, stdout) => (error ? reject(error) : resolve(stdout)))
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
