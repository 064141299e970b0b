import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { onTestFinished } from 'vitest'
import { type S3Options, s3Within } from '../../../src/storage/adapters/s3/index.ts'
import { LIMITS, type Limits } from '../../../src/storage/adapters/s3/limits.ts'
import type { RollingStore } from '../../../src/storage/storage.ts'
import { servers } from '../../servers/shared.ts'

/** A bucket of a test's own, looked at from outside. */
export class TestBucket {
  readonly name: string
  readonly endpoint: string
  readonly client: S3Client

  private constructor(name: string, endpoint: string, client: S3Client) {
    this.name = name
    this.endpoint = endpoint
    this.client = client
  }

  static async make(): Promise<TestBucket> {
    const { endpoint, region, accessKeyId, secretAccessKey } = servers().s3
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
    const name = `test-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket: name }))
    return new TestBucket(name, endpoint, client)
  }

  /** The options that reach it. */
  options(more: Partial<S3Options> = {}): S3Options {
    const { region, accessKeyId, secretAccessKey } = servers().s3
    return { bucket: this.name, endpoint: this.endpoint, region, credentials: { accessKeyId, secretAccessKey }, ...more }
  }

  store(more: Partial<S3Options> = {}, limits: Partial<Limits> = {}): RollingStore {
    return s3Within({ ...LIMITS, ...limits }, this.options(more))
  }

  async keys(prefix = ''): Promise<string[]> {
    const { Contents } = await this.client.send(new ListObjectsV2Command({ Bucket: this.name, Prefix: prefix }))
    return (Contents ?? []).map(({ Key }) => Key!)
  }

  /** Keys of the objects with data. */
  async dataKeys(): Promise<string[]> {
    return (await this.keys()).filter(key => !/(^|\/)_(manifests|begun)\//.test(key)).sort()
  }

  async bytes(key: string): Promise<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key: key }))
    return Buffer.from(await Body!.transformToByteArray())
  }

  async put(key: string, text: string): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: text }))
  }

  /** Keys of uploads that were begun and not ended. */
  async uploads(): Promise<string[]> {
    const { Uploads } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.name }))
    return (Uploads ?? []).map(({ Key }) => Key!)
  }
}

/** {@link TestBucket.make}, its client closed with the test. */
export async function testBucket(): Promise<TestBucket> {
  const bucket = await TestBucket.make()
  onTestFinished(() => bucket.client.destroy())
  return bucket
}
