import { randomBytes } from 'node:crypto'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import { failpoint } from '../../../engine/failpoint.ts'
import type { Aside, Staged } from '../../formats/aside.ts'
import { inLanes } from '../../formats/lanes.ts'
import { safeSegment, shortHash } from '../../formats/safe-name.ts'
import type { Roll } from '../../storage.ts'
import type { Disk } from './disk.ts'

/** Asynchronous steps at once: fsyncs that overlap share the disk's flushes. */
const AT_ONCE = 16
const HIDDEN = '.millrace'
const JOURNAL = '.files'

/**
 * One attempt at one roll. Files are written aside, in a hidden folder of the roll, under names that no other attempt has; when all
 * are durable, so is a list of the paths they get (the journal), then each is renamed to its path.
 *
 *   `.millrace/<writer>/<topic>/<partition>/<first>/<attempt>-<n>`   the files aside
 *   `.millrace/<writer>/<topic>/<partition>/<first>/<attempt>.files` the journal
 *
 * The journal stays until a later roll of the partition: should this one be taken up again with other settings, it says which files
 * have no place any more. Attempts at the same roll that overlap (one has lost its lease and does not know) rename the same bytes to the same paths, or
 * one finds its own files gone and fails; neither harms the other.
 */
export class Attempt implements Aside {
  readonly #disk: Disk
  readonly #root: string
  readonly #folder: string
  readonly #name: string
  readonly #resumed: boolean
  /** What attempts before this one renamed, or were about to. */
  readonly #before: readonly string[]
  #count = 0

  private constructor(disk: Disk, root: string, folder: string, name: string, resumed: boolean, before: readonly string[]) {
    this.#disk = disk
    this.#root = root
    this.#folder = folder
    this.#name = name
    this.#resumed = resumed
    this.#before = before
  }

  static async open(disk: Disk, root: string, roll: Roll): Promise<Attempt> {
    const { topic, partition, first, writer, resumed } = roll
    const partitionFolder = join(root, HIDDEN, writer, `${safeSegment(topic.name)}-${shortHash(topic.name)}`, String(partition))
    const folder = join(partitionFolder, String(first))
    await disk.makeFolder(folder)
    // The stream has committed an offset beyond every roll that began before this one: what is left of those is settled.
    for (const name of await disk.list(partitionFolder)) {
      if (Number(name) < first) await disk.remove(join(partitionFolder, name))
    }
    const before: string[] = []
    for (const name of await disk.list(folder)) {
      if (name.endsWith(JOURNAL)) before.push(...paths(await disk.read(join(folder, name))))
      else await disk.remove(join(folder, name))
    }
    return new Attempt(disk, root, folder, randomBytes(8).toString('hex'), resumed, before)
  }

  begin(bytes: Uint8Array): string {
    const temporary = join(this.#folder, `${this.#name}-${this.#count++}`)
    this.#disk.append(temporary, bytes)
    return temporary
  }

  append(temporary: string, bytes: Uint8Array): void {
    this.#disk.append(temporary, bytes, true)
  }

  /** Puts the files in place; durable when it resolves. @throws the signal's reason before anything is renamed. */
  async publish(files: readonly Staged[], signal: AbortSignal): Promise<void> {
    await inLanes(files, AT_ONCE, file => this.#disk.sync(file.temporary))
    await this.#writeJournal(files)
    const folders = new Set(files.map(file => dirname(join(this.#root, file.path))))
    const changed = new Set(folders)
    for (const folder of folders) {
      const made = await this.#disk.makeFolder(folder)
      // A folder made by an attempt that died may not be durable yet: a resumed roll makes sure of every one.
      if (made !== undefined || this.#resumed) for (const above of parents(folder, this.#root)) changed.add(above)
    }
    signal.throwIfAborted()
    for (const [i, file] of files.entries()) {
      await this.#disk.rename(file.temporary, join(this.#root, file.path))
      if (i === 0) failpoint('in-roll')
    }
    await this.#removeLeftovers(files, signal, changed)
    await inLanes(changed, AT_ONCE, folder => this.#disk.sync(folder))
  }

  /** Removes what was written aside: after a failure it only takes room. */
  async discard(): Promise<void> {
    for (let n = 0; n < this.#count; n++) await this.#disk.remove(join(this.#folder, `${this.#name}-${n}`))
  }

  async #writeJournal(files: readonly Staged[]): Promise<void> {
    const journal = join(this.#folder, this.#name + JOURNAL)
    this.#disk.append(journal, Buffer.from(files.map(file => `${JSON.stringify(file.path)}\n`).join('')))
    await this.#disk.sync(journal)
    const folders = [this.#folder, ...parents(this.#folder, this.#root)]
    await inLanes(folders, AT_ONCE, folder => this.#disk.sync(folder))
  }

  /** Files of an earlier attempt that this one does not have: settings changed in between, and each datum would be there twice. */
  async #removeLeftovers(files: readonly Staged[], signal: AbortSignal, changed: Set<string>): Promise<void> {
    // Only who was told that the roll was begun before may remove: another, which has lost its lease unawares, could take the new owner's files.
    if (!this.#resumed || signal.aborted) return
    const kept = new Set(files.map(file => file.path))
    for (const path of this.#before) {
      if (kept.has(path) || isAbsolute(path) || normalize(path).startsWith('..')) continue
      const leftover = join(this.#root, path)
      // A crash between the journal and the renames leaves paths that were never given.
      if (!(await this.#disk.list(dirname(leftover))).includes(basename(leftover))) continue
      await this.#disk.remove(leftover)
      changed.add(dirname(leftover))
    }
  }
}

/** A journal's lines; one that was cut off by a crash was followed by no rename. */
function paths(journal: string): string[] {
  return journal
    .slice(0, journal.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(line => line !== '')
    .map(line => String(JSON.parse(line)))
}

/** The folders above `folder`, up to and with `root`. */
function parents(folder: string, root: string): string[] {
  const above: string[] = []
  for (let at = folder; at !== root && at !== dirname(at); ) {
    at = dirname(at)
    above.push(at)
  }
  return above
}
