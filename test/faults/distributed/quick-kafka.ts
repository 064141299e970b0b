import { type KafkaServer, startKafka } from '../../servers/kafka.ts'

/** Members of a group that say nothing for so long are given up, on a broker that takes it: a dead process holds nobody up for long. */
export const QUICK_SESSION_MS = 4_000

/** A broker of the test's own. */
export function quickKafka(): Promise<KafkaServer> {
  return startKafka({ properties: { 'group.min.session.timeout.ms': String(QUICK_SESSION_MS) } })
}
