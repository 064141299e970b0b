import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { WireEnvelope } from '../../../src/envelope/envelope.ts'
import { linesOf } from '../lake.ts'
import type { TestBucket } from './buckets.ts'

/** A manifest, as its readers see it. */
export interface Manifest {
  readonly topic: string
  readonly partition: number
  readonly first_offset: number
  readonly end_offset: number
  readonly records: number
  readonly bytes: number
  readonly objects: readonly {
    readonly topic: string
    readonly key: string
    readonly bytes: number
    readonly records: number
    readonly first_offset: number
    readonly end_offset: number
    readonly first_data_id: string
    readonly last_data_id: string
    readonly sha256: string
  }[]
}

/**
 * The bucket's data, found by their manifests, in a folder of their own until it is disposed.
 * @throws where an object is not what its manifest says, or is in none: readers by manifests and readers by names must see the same.
 */
export async function download(bucket: TestBucket): Promise<AsyncDisposable & { folder: string; paths: string[]; manifests: Manifest[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bucket-'))
  const manifests: Manifest[] = []
  const paths: string[] = []
  for (const key of (await bucket.keys()).filter(each => /(^|\/)_manifests\//.test(each))) {
    const manifest = JSON.parse((await bucket.bytes(key)).toString()) as Manifest
    manifests.push(manifest)
    for (const object of manifest.objects) {
      const bytes = await bucket.bytes(object.key)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      if (bytes.length !== object.bytes || sha256 !== object.sha256)
        throw new Error(`${object.key} has ${bytes.length} bytes with ${sha256}; its manifest says ${object.bytes} with ${object.sha256}`)
      const path = join(folder, object.key)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
      paths.push(path)
    }
  }
  const listed = manifests.flatMap(({ objects }) => objects.map(({ key }) => key)).sort()
  const there = await bucket.dataKeys()
  if (JSON.stringify(listed) !== JSON.stringify(there))
    throw new Error(`Manifests list ${listed.join(', ')}; in the bucket are ${there.join(', ')}`)
  return { folder, paths, manifests, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** The ids of all data in a bucket of NDJSON, sorted. */
export async function storedIds(bucket: TestBucket): Promise<string[]> {
  await using copy = await download(bucket)
  return copy.paths
    .flatMap(linesOf)
    .map(line => (JSON.parse(line) as WireEnvelope<unknown>).data_id)
    .sort()
}
