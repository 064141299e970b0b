import { type FormatOptions, formatPlan } from '../../formats/options.ts'
import type { RollingStore } from '../../storage.ts'
import { openBucket } from './bucket.ts'
import { LIMITS, type Limits } from './limits.ts'
import { type Place, type PlaceOptions, placeOf } from './place.ts'
import { spoolRoot } from './spool.ts'
import { placeInBucket } from './where.ts'
import { S3Writer } from './writer.ts'

export type { Compression } from '../../formats/compression.ts'
export type { Interval } from '../../formats/layout.ts'
export type { Credentials } from './place.ts'

export interface S3Options extends FormatOptions, PlaceOptions {
  /** The class of the objects with data, such as `'STANDARD_IA'`. Default: the bucket's. */
  readonly storageClass?: string
  /**
   * A local folder where a roll's files wait until they are uploaded; it needs room for one roll after compression. Default: a folder
   * under the system's temporary one that only this user can read.
   */
  readonly staging?: string
}

/**
 * A store of rolled, compressed objects in an S3 bucket, or one of any service that speaks S3. Their keys are `prefix` and the path that
 * `files()` would give them; each roll ends with a manifest, `<prefix>_manifests/<topic>/<writer>-<partition>-<first offset>.json`.
 * Needs the packages `@aws-sdk/client-s3` and `@aws-sdk/lib-storage`.
 * @throws TypeError where an option is wrong. Opening throws CLIENT_MISSING, CONFIG_INVALID, STORE_DENIED, STORE_UNAVAILABLE.
 */
export function s3(options: S3Options): RollingStore {
  return s3Within(LIMITS, options)
}

/** {@link s3} with other limits: the seam where tests wait less long. */
export function s3Within(limits: Limits, options: S3Options): RollingStore {
  const place: Place = placeOf(options)
  const plan = formatPlan(`s3('${place.bucket}')`, options)
  return {
    kind: 'rolling',
    describe: `s3 ${place.name}`,
    roll: plan.roll,
    async open(clock) {
      const spool = await spoolRoot(options.staging)
      const { format, layout } = await plan.load()
      const bucket = await openBucket(place, limits, options.storageClass, clock)
      return new S3Writer(bucket, spool, layout, format)
    },
    async whereIs(datum) {
      const { layout } = await plan.load()
      return placeInBucket(place, limits, layout, datum)
    },
  }
}
