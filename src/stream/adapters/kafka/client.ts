import { MillraceError } from '../../../errors.ts'

export type KafkaClient = typeof import('@platformatic/kafka')
/** The client's `Connection`, of which only what the client's own calls need is used. */
export type Connection = InstanceType<KafkaClient['Connection']>

/** The client is the user's to install: nothing but this adapter needs it. @throws CLIENT_MISSING */
export async function loadClient(): Promise<KafkaClient> {
  try {
    return await import('@platformatic/kafka')
  } catch (cause) {
    throw new MillraceError('CLIENT_MISSING', 'A stream on Kafka needs the package @platformatic/kafka, which cannot be loaded.', {
      fix: 'Run: npm install @platformatic/kafka@2.12.1',
      cause,
    })
  }
}
