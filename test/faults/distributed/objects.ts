import { gunzipSync } from 'node:zlib'
import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { servers } from '../../servers/shared.ts'
import type { Findings } from '../findings.ts'
import type { Datum } from '../log.ts'
import { placeOf } from '../recompute.ts'

/** The parts of a manifest that its readers need to find what is stored. */
interface Manifest {
  readonly objects: readonly { readonly topic: string; readonly key: string; readonly records: number }[]
}

/** What storage agents have put into S3, in a bucket of one test's own. */
export class Objects {
  readonly bucket: string
  readonly #client: S3Client

  private constructor(bucket: string, client: S3Client) {
    this.bucket = bucket
    this.#client = client
  }

  static async make(endpoint: string, bucket: string): Promise<Objects> {
    const { region, accessKeyId, secretAccessKey } = servers().s3
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    return new Objects(bucket, client)
  }

  /**
   * Each datum is in one object that a manifest lists, once.
   * @param traceLost a copy may be there too, under its own id. @returns how many were.
   */
  async check(topics: ReadonlyMap<string, readonly Datum[]>, traceLost: boolean, findings: Findings): Promise<number> {
    const keys = await this.#keys()
    const unlisted = new Set(keys.filter(key => !/^_(manifests|begun)\//.test(key)))
    const stored = new Map<string, string[]>()
    for (const manifestKey of keys.filter(key => key.startsWith('_manifests/'))) {
      const manifest = JSON.parse((await this.#bytes(manifestKey)).toString()) as Manifest // what the store documents
      for (const { topic, key, records } of manifest.objects) {
        unlisted.delete(key)
        const lines = gunzipSync(await this.#bytes(key))
          .toString()
          .trimEnd()
          .split('\n')
        if (lines.length !== records) findings.push(`objects: ${key} has ${lines.length} lines, and its manifest says ${records}`)
        for (const line of lines) {
          const { data_id: id } = JSON.parse(line) as { data_id: string } // an envelope
          stored.set(`${topic} ${id}`, [...(stored.get(`${topic} ${id}`) ?? []), key])
        }
      }
    }
    for (const key of unlisted) findings.push(`objects: ${key} is there, and no manifest lists it`)
    return this.#compare(stored, topics, traceLost, findings)
  }

  #compare(stored: Map<string, string[]>, topics: ReadonlyMap<string, readonly Datum[]>, traceLost: boolean, findings: Findings): number {
    let copies = 0
    for (const [topic, data] of topics) {
      for (const datum of data) {
        const found = stored.get(`${topic} ${datum.id}`) ?? []
        stored.delete(`${topic} ${datum.id}`)
        const place = `${datum.id} of ${placeOf(datum)}`
        if (found.length === 0) findings.push(`lost: ${place} is in no object`)
        if (found.length <= 1) continue
        copies += found.length - 1
        if (!traceLost) findings.push(`doubled: ${place} is in ${found.join(' and in ')}`)
      }
    }
    for (const [id, [key]] of stored) findings.push(`objects: ${id} is in ${key} and not in the log`)
    return copies
  }

  /** Removes the first manifest of a topic. */
  async forget(topic: string): Promise<void> {
    const key = (await this.#keys()).find(each => each.startsWith(`_manifests/${topic}/`))
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }))
  }

  close(): void {
    this.#client.destroy()
  }

  async #keys(): Promise<string[]> {
    const keys: string[] = []
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.bucket, ...(token === undefined ? {} : { ContinuationToken: token }) }),
      )
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key!))
      token = page.NextContinuationToken
    }
    return keys
  }

  async #bytes(key: string): Promise<Buffer> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }))
    return Buffer.from(await Body!.transformToByteArray())
  }
}
