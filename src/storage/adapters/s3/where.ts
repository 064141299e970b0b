import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, MillraceError } from '../../../errors.ts'
import type { Layout } from '../../formats/layout.ts'
import { rowOf } from '../../formats/row-of.ts'
import type { ExactlyAt, StoredAt, StoredDatum } from '../../storage.ts'
import { connect, type S3Bucket } from './bucket.ts'
import type { Limits } from './limits.ts'
import type { Place } from './place.ts'

/** For all that is asked of the bucket: people wait for it. */
const TIMEOUT_MS = 5_000

const AWAY: ReadonlySet<ErrorCode> = new Set(['CLIENT_MISSING', 'STORE_DENIED', 'STORE_UNAVAILABLE'])

/** The folder that a datum is in, which its time and key say; which object and row the bucket is asked for, where it answers. */
export function placeInBucket(place: Place, limits: Limits, layout: Layout, datum: StoredDatum): StoredAt {
  const folder = `${place.prefix}${layout.folder(datum.topic, datum.key, layout.intervalOf(datum.createdMs))}/`
  return {
    where: urlOf(place, folder),
    async exact() {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      let bucket: S3Bucket | undefined
      try {
        bucket = await connect(place, limits)
        return await objectOf(bucket, folder, layout, datum, signal)
      } catch (error) {
        // Whoever looks at a datum may not be who stores it: without a key, or with the bucket away, the folder is what can be said.
        if (error === signal.reason || (error instanceof MillraceError && AWAY.has(error.code))) return undefined
        throw error
      } finally {
        bucket?.close()
      }
    },
  }
}

async function objectOf(
  bucket: S3Bucket,
  folder: string,
  layout: Layout,
  datum: StoredDatum,
  signal: AbortSignal,
): Promise<ExactlyAt | undefined> {
  const keys = await bucket.keys(`${folder}${layout.beginningOf(datum)}`, signal)
  const name = layout.nameOf(
    datum,
    keys.map(key => key.slice(folder.length)),
  )
  if (name === undefined) return undefined
  const where = urlOf(bucket.place, `${folder}${name}`)
  // One of several, which are named by what they have in common.
  return { where, row: name.includes('*') ? undefined : await rowIn(bucket, folder, name, datum.dataId, signal) }
}

async function rowIn(bucket: S3Bucket, folder: string, name: string, dataId: string, signal: AbortSignal): Promise<number | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-row-'))
  try {
    const path = join(directory, name)
    return (await bucket.download(`${folder}${name}`, path, bucket.limits.readBytes, signal)) ? await rowOf(path, dataId) : undefined
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function urlOf({ bucket }: Place, key: string): string {
  return `s3://${bucket}/${key}`
}
