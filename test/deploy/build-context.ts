import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join, matchesGlob, normalize } from 'node:path'

/** The files that a build may copy: what a `.dockerignore` lets through. */
export class BuildContext {
  readonly #root: string
  readonly #allowed: readonly string[]

  /** @param ignoreFile of the kind that shuts everything out and lets in what it names: `*`, then lines with `!`. @throws TypeError on another. */
  constructor(root: string, ignoreFile: string) {
    this.#root = root
    const lines = readFileSync(ignoreFile, 'utf8')
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '' && !line.startsWith('#'))
    const unread = lines.find((line, index) => (index === 0 ? line !== '*' : !/^![\w./-]+$/.test(line)))
    if (unread !== undefined || lines.length === 0)
      throw new TypeError(`${ignoreFile}: only '*' and then '!path' is read here, not '${unread}'.`)
    this.#allowed = lines.slice(1).map(line => line.slice(1))
  }

  /** The absolute path of what COPY names. @throws TypeError where the build would not see it. */
  path(name: string): string {
    const path = normalize(name)
    if (!this.#allowed.some(allowed => path === allowed || path.startsWith(`${allowed}/`)))
      throw new TypeError(`COPY ${name}: .dockerignore does not let it into the build.`)
    if (!existsSync(join(this.#root, path))) throw new TypeError(`COPY ${name}: there is no such file.`)
    return join(this.#root, path)
  }

  /** What the ignore file lets in and is not there: a line that has outlived its file. */
  missing(): string[] {
    return this.#allowed.filter(path => !existsSync(join(this.#root, path)))
  }

  /** Every file that the build sees, relative, and those among them that match a pattern. */
  files(pattern = '**'): string[] {
    return this.#allowed
      .flatMap(path => (statSync(join(this.#root, path)).isDirectory() ? globSync(`${path}/**`, { cwd: this.#root }) : [path]))
      .filter(path => matchesGlob(path, pattern) && statSync(join(this.#root, path)).isFile())
  }
}
