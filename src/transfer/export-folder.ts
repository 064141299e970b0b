import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import type { TopicPartition } from '../stream/stream.ts'
import { type ExportedFile, type Manifest, readManifest, writeManifest } from './manifest.ts'

/** The folder that an export goes to, with its manifest: what is there already, and what comes. */
export class ExportFolder {
  readonly path: string
  readonly extension: string
  readonly #format: Pick<Manifest, 'format' | 'compression'>
  readonly #files: ExportedFile[]

  private constructor(path: string, format: Pick<Manifest, 'format' | 'compression'>, extension: string, files: readonly ExportedFile[]) {
    this.path = path
    this.extension = extension
    this.#format = format
    this.#files = [...files]
  }

  /** @throws CONFIG_INVALID where an export of another format is there. */
  static open(path: string, format: Pick<Manifest, 'format' | 'compression'>, extension: string): ExportFolder {
    const there = readManifest(path)
    if (there !== undefined && (there.format !== format.format || there.compression !== format.compression)) {
      throw new MillraceError(
        'CONFIG_INVALID',
        `${path} holds an export as ${there.format} (compression ${there.compression}), and ${format.format} (compression ${format.compression}) is asked for.`,
        { fix: 'Ask for the same, or name another folder with --out.' },
      )
    }
    return new ExportFolder(path, format, extension, there?.files ?? [])
  }

  get files(): readonly ExportedFile[] {
    return this.#files
  }

  /** The files of a partition, in the order of its log. */
  filesOf({ topic, partition }: TopicPartition): readonly ExportedFile[] {
    return this.#files.filter(file => file.topic === topic && file.partition === partition)
  }

  /** Says that a file is there, whole. */
  add(file: ExportedFile): void {
    this.#files.push(file)
    this.#write()
  }

  /** Says that behind the last file of a partition there is nothing to be written before an offset. */
  extend(place: TopicPartition, end: number): void {
    const last = this.filesOf(place).at(-1)
    if (last === undefined || last.end >= end) return
    this.#files[this.#files.indexOf(last)] = { ...last, end }
    this.#write()
  }

  #write(): void {
    writeManifest(this.path, { ...this.#format, files: this.#files })
  }

  folderOf(topic: string): string {
    return join(this.path, topic)
  }
}
