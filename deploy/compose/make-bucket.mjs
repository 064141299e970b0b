/** `node make-bucket.mjs <endpoint> <bucket>`: makes the bucket where it is not there; credentials as AWS's tools find them. */
import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

const [endpoint, bucket] = process.argv.slice(2)
const client = new S3Client({ endpoint, forcePathStyle: true, maxAttempts: 10 })

try {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  console.log(`The bucket ${bucket} is made.`)
} catch (error) {
  if (!(error instanceof BucketAlreadyOwnedByYou)) throw error
  console.log(`The bucket ${bucket} is there.`)
}
