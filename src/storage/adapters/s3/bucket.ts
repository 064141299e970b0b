import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { S3Client, StorageClass } from '@aws-sdk/client-s3'
import type { Clock } from '../../../clock.ts'
import { MillraceError } from '../../../errors.ts'
import type { Limits } from './limits.ts'
import type { Place } from './place.ts'
import { refusal } from './refusal.ts'
import { loadSdk, type Sdk } from './sdk.ts'
import { readPieces } from './spool.ts'

/** An object that is written: its key in full. */
export interface Put {
  readonly key: string
  readonly contentType: string
  /** Holds data: it gets the store's storage class. */
  readonly data: boolean
}

/** More pages than that of uploads for one key have no honest reason. */
const MOST_PAGES = 100
/** Of a thousand keys each: the names of a day's files of one partition, one every ten seconds. */
const MOST_LISTED_PAGES = 10

/**
 * Connects to the bucket and asks it for what writing needs: to list, to begin an upload and to abort it, which leaves nothing behind.
 * @throws CLIENT_MISSING, CONFIG_INVALID, STORE_DENIED, STORE_UNAVAILABLE, within the limits.
 */
export async function openBucket(place: Place, limits: Limits, storageClass: string | undefined, clock: Clock): Promise<S3Bucket> {
  const bucket = await connect(place, limits, storageClass)
  const deadline = new AbortController()
  const late = new MillraceError('STORE_UNAVAILABLE', `${place.name} did not answer within ${limits.openMs / 1000} s.`, {
    fix: 'Check the endpoint, and that this machine may connect to it.',
  })
  const cancel = clock.after(limits.openMs, () => deadline.abort(late))
  try {
    await bucket.check(deadline.signal)
  } catch (error) {
    bucket.close()
    throw error
  } finally {
    cancel()
  }
  return bucket
}

/** The bucket as it is, without a question. @throws CLIENT_MISSING */
export async function connect(place: Place, limits: Limits, storageClass?: string): Promise<S3Bucket> {
  const sdk = await loadSdk()
  const { region, endpoint, forcePathStyle, credentials } = place
  const client = new sdk.S3Client({
    forcePathStyle,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: limits.attempts,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: limits.connectMs,
      requestTimeout: limits.requestMs,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: 2 * limits.atOnce },
      httpsAgent: { maxSockets: 2 * limits.atOnce },
    },
  })
  return new S3Bucket(sdk, client, place, limits, storageClass)
}

/** The operations on one bucket. Each throws STORE_DENIED or STORE_UNAVAILABLE, and the signal's reason where that has aborted. */
export class S3Bucket {
  readonly place: Place
  readonly limits: Limits
  readonly #sdk: Sdk
  /** A request has been answered, so there were credentials. */
  #answered = false
  readonly #client: S3Client
  /** S3-compatible services have classes of their own, so any text is one. */
  readonly #storageClass: StorageClass | undefined

  constructor(sdk: Sdk, client: S3Client, place: Place, limits: Limits, storageClass: string | undefined) {
    this.#sdk = sdk
    this.#client = client
    this.place = place
    this.limits = limits
    this.#storageClass = storageClass as StorageClass | undefined
  }

  async check(signal: AbortSignal): Promise<void> {
    const { bucket, prefix } = this.place
    const listing = new this.#sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })
    await this.#do('ListObjectsV2', signal, abortSignal => this.#client.send(listing, { abortSignal }))
    const probe = this.#input({ key: `${prefix}_begun/.probe`, contentType: 'application/json', data: true })
    const begin = new this.#sdk.CreateMultipartUploadCommand(probe)
    const { UploadId } = await this.#do('CreateMultipartUpload', signal, abortSignal => this.#client.send(begin, { abortSignal }))
    if (UploadId === undefined)
      throw new MillraceError('STORE_DENIED', `What answers for ${this.place.name} does not speak S3.`, { fix: 'Correct the endpoint.' })
    const abort = new this.#sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: probe.Key, UploadId })
    await this.#do('AbortMultipartUpload', signal, abortSignal => this.#client.send(abort, { abortSignal }))
  }

  /** Puts a small object whole. @param sha256 of its bytes, base64: S3 refuses others. */
  async put(put: Put, bytes: Uint8Array, sha256: string, signal: AbortSignal): Promise<void> {
    const command = new this.#sdk.PutObjectCommand({ ...this.#input(put), Body: bytes, ChecksumSHA256: sha256 })
    const { ETag } = await this.#do(`PutObject of ${put.key}`, signal, abortSignal => this.#client.send(command, { abortSignal }))
    // Whatever else answers 200 to all and everything has stored nothing.
    if (ETag === undefined) throw this.#unconfirmed(put.key)
  }

  /** Uploads a file in parts, each with a checksum. What fails or is aborted leaves no parts, where the bucket still answers. */
  async upload(put: Put, path: string, bytes: number, signal: AbortSignal): Promise<void> {
    const { partBytes, atOnce } = this.limits
    const upload = new this.#sdk.Upload({
      client: this.#endingWith(signal),
      params: { ...this.#input(put), Body: readPieces(path, signal), ContentLength: bytes },
      partSize: Math.max(partBytes, Math.ceil(bytes / MOST_PARTS)),
      queueSize: atOnce,
      leavePartsOnError: false,
    })
    const { ETag } = await this.#do(`the upload of ${put.key} in parts`, signal, () => upload.done())
    if (ETag === undefined) throw this.#unconfirmed(put.key)
  }

  /** An object's text; undefined where there is no such object. */
  async get(key: string, signal: AbortSignal): Promise<string | undefined> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.place.bucket, Key: key })
    return this.#do(`GetObject of ${key}`, signal, async abortSignal => {
      try {
        const { Body } = await this.#client.send(command, { abortSignal })
        return await Body?.transformToString('utf8')
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined
        throw error
      }
    })
  }

  /** The keys that begin so, as far as a few requests tell. */
  async keys(beginning: string, signal: AbortSignal): Promise<string[]> {
    const keys: string[] = []
    let from: { ContinuationToken?: string } = {}
    for (let page = 0; page < MOST_LISTED_PAGES; page++) {
      const listing = new this.#sdk.ListObjectsV2Command({ Bucket: this.place.bucket, Prefix: beginning, ...from })
      const found = await this.#do('ListObjectsV2', signal, abortSignal => this.#client.send(listing, { abortSignal }))
      keys.push(...(found.Contents ?? []).flatMap(({ Key }) => Key ?? []))
      if (found.NextContinuationToken === undefined) break
      from = { ContinuationToken: found.NextContinuationToken }
    }
    return keys
  }

  /** Writes an object into a file. @returns false where there is none, or it is larger than `mostBytes`: nothing is written then. */
  async download(key: string, path: string, mostBytes: number, signal: AbortSignal): Promise<boolean> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.place.bucket, Key: key })
    return this.#do(`GetObject of ${key}`, signal, async abortSignal => {
      try {
        const { Body, ContentLength } = await this.#client.send(command, { abortSignal })
        // In Node it is a stream of Node's.
        const body = Body as Readable | undefined
        if (body === undefined || ContentLength === undefined || ContentLength > mostBytes) {
          body?.destroy()
          return false
        }
        await pipeline(body, createWriteStream(path), { signal: abortSignal })
        return true
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return false
        throw error
      }
    })
  }

  /** Removes an object, which need not exist. */
  async remove(key: string, signal: AbortSignal): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: this.place.bucket, Key: key })
    await this.#do(`DeleteObject of ${key}`, signal, abortSignal => this.#client.send(command, { abortSignal }))
  }

  /** Aborts uploads of this key that were begun and never ended. */
  async abortUploads(key: string, signal: AbortSignal): Promise<void> {
    let marker: { KeyMarker?: string; UploadIdMarker?: string } = {}
    for (let page = 0; page < MOST_PAGES; page++) {
      const listing = new this.#sdk.ListMultipartUploadsCommand({ Bucket: this.place.bucket, Prefix: key, ...marker })
      const found = await this.#do('ListMultipartUploads', signal, abortSignal => this.#client.send(listing, { abortSignal }))
      for (const { Key, UploadId } of found.Uploads ?? []) {
        if (Key === key && UploadId !== undefined) await this.#abort(key, UploadId, signal)
      }
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = found
      if (IsTruncated !== true || NextKeyMarker === undefined || NextUploadIdMarker === undefined) return
      marker = { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker }
    }
  }

  close(): void {
    this.#client.destroy()
  }

  async #abort(key: string, id: string, signal: AbortSignal): Promise<void> {
    const command = new this.#sdk.AbortMultipartUploadCommand({ Bucket: this.place.bucket, Key: key, UploadId: id })
    await this.#do('AbortMultipartUpload', signal, async abortSignal => {
      try {
        await this.#client.send(command, { abortSignal })
      } catch (error) {
        // It has ended since it was listed.
        if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error
      }
    })
  }

  /**
   * The client as Upload gets it: its requests end with the signal, then Upload with what it has begun. (Told by the controller that it
   * takes, it would return at once and leave its requests running.)
   */
  #endingWith(signal: AbortSignal): S3Client {
    const send = async (command: Parameters<S3Client['send']>[0]) => {
      if (!(command instanceof this.#sdk.AbortMultipartUploadCommand)) return this.#client.send(command, { abortSignal: signal })
      const abortSignal = AbortSignal.timeout(this.limits.openMs)
      // Why the upload failed is what counts. Parts that cannot be removed now are removed when the roll is taken up again.
      return this.#client.send(command, { abortSignal }).catch(() => undefined)
    }
    // Object.create gives any; all but `send` is the client's own.
    return Object.assign(Object.create(this.#client) as S3Client, { send })
  }

  #input({ key, contentType, data }: Put) {
    const storageClass = data && this.#storageClass !== undefined ? { StorageClass: this.#storageClass } : {}
    return { Bucket: this.place.bucket, Key: key, ContentType: contentType, ...storageClass }
  }

  async #do<T>(doing: string, signal: AbortSignal, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    try {
      const answer = await request(signal)
      this.#answered = true
      return answer
    } catch (error) {
      // A request that was aborted fails with an error of the SDK's own; who aborted it has a reason.
      signal.throwIfAborted()
      throw refusal(error, doing, this.place.name, this.#answered)
    }
  }

  #unconfirmed(key: string): MillraceError {
    return new MillraceError('STORE_UNAVAILABLE', `${this.place.name} answered that ${key} is stored, and did not say as what.`, {
      fix: 'Check that the endpoint speaks S3.',
    })
  }
}

/** S3 takes 10,000. */
const MOST_PARTS = 9_000
