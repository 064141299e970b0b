import { isMillraceError, MillraceError } from '../../../errors.ts'
import type { GroupedStream } from '../../stream.ts'
import { loadClient } from './client.ts'
import { Cluster } from './cluster.ts'
import { CONTROL_SPEC } from './control.ts'
import { KafkaStream } from './kafka-stream.ts'
import { Names } from './names.ts'
import { type KafkaOptions, settingsOf } from './options.ts'
import { answered } from './wire/answered.ts'

/**
 * Opens the stream of one pipeline on a Kafka cluster, 3.1 or later.
 * @throws CLIENT_MISSING, CONFIG_INVALID (also where one side speaks TLS and the other does not, or a certificate is not trusted),
 * STREAM_UNAVAILABLE, STREAM_DENIED, TOPIC_MISMATCH of the control topic. Each within about 10 seconds.
 */
export async function openKafka(options: KafkaOptions): Promise<GroupedStream> {
  const settings = settingsOf(options)
  const cluster = new Cluster(await loadClient(), settings)
  try {
    await reach(cluster)
    return await KafkaStream.open(cluster)
  } catch (error) {
    await cluster.close()
    throw error
  }
}

/** The names of the pipelines that have run on a cluster, by their control topics. */
export async function kafkaPipelines(options: KafkaOptions): Promise<string[]> {
  // Any name will do to ask.
  const settings = settingsOf({ ...options, pipeline: ASKING })
  const cluster = new Cluster(await loadClient(), settings)
  try {
    const [before, after] = new Names(settings.prefix, ASKING).topic(CONTROL_SPEC.name).split(ASKING) as [string, string]
    await reach(cluster)
    const topics = await cluster.patiently({ what: 'list its topics' }, () => cluster.listTopics(), OPEN_PATIENCE_MS)
    return topics
      .filter(name => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length)
      .map(name => name.slice(before.length, name.length - after.length))
      .filter(pipeline => !pipeline.includes('.'))
      .sort()
  } finally {
    await cluster.close()
  }
}

const ASKING = 'any'
/** A wrong address is told of soon: whoever starts a pipeline sits before the screen. */
const OPEN_PATIENCE_MS = 3_000
const PROBE_MS = 2_000
const SOFTWARE = { name: 'millrace', version: '1' }

/** The first words with the brokers, and what it means when they fail. */
async function reach(cluster: Cluster): Promise<void> {
  try {
    await cluster.patiently({ what: 'be reached' }, () => checkVersions(cluster), OPEN_PATIENCE_MS)
  } catch (error) {
    throw (await withoutLogin(cluster)) ?? error
  }
  try {
    await cluster.patiently({ what: 'say who its brokers are' }, () => cluster.refresh([]), OPEN_PATIENCE_MS)
  } catch (error) {
    // A listener that wants a log-in answers which versions it has to anyone, and hangs up at the next question.
    if (cluster.settings.sasl !== undefined || !isMillraceError(error, 'STREAM_UNAVAILABLE')) throw error
    throw new MillraceError(
      'STREAM_DENIED',
      'Kafka ends the connection of a client without a user name when it is asked who its brokers are.',
      {
        fix: 'Give a user name and a password (sasl=), unless the brokers are just going down.',
        cause: error,
      },
    )
  }
}

/** With a log-in the client does not tell that the broker speaks TLS: asked without, it does. */
async function withoutLogin(cluster: Cluster): Promise<Error | undefined> {
  const { sasl, tls, brokers } = cluster.settings
  if (sasl === undefined || tls !== undefined) return undefined
  const pool = cluster.newPool(PROBE_MS, false)
  try {
    const connection = await Promise.any(brokers.map(broker => pool.get(broker)))
    await cluster.kafka.apiVersionsV3.api.async(connection, SOFTWARE.name, SOFTWARE.version)
    return undefined
  } catch (error) {
    const failure = cluster.failure(error, { what: 'be reached' })
    return isMillraceError(failure, 'CONFIG_INVALID') ? failure : undefined
  } finally {
    await pool.close()
  }
}

/** Every call is of one version, so that there is one way only to be tested. */
async function checkVersions(cluster: Cluster): Promise<void> {
  const { kafka } = cluster
  const calls = [
    kafka.produceV9,
    kafka.fetchV13,
    kafka.listOffsetsV7,
    kafka.metadataV12,
    kafka.offsetCommitV8,
    kafka.offsetFetchV8,
    kafka.findCoordinatorV4,
    kafka.joinGroupV7,
    kafka.heartbeatV4,
    kafka.leaveGroupV4,
    kafka.syncGroupV5,
    kafka.describeGroupsV5,
    kafka.listGroupsV4,
    kafka.createTopicsV7,
    kafka.initProducerIdV4,
    kafka.describeConfigsV4,
  ]
  const { apiKeys } = await answered(kafka.apiVersionsV3.api.async(await cluster.any(), SOFTWARE.name, SOFTWARE.version))
  for (const { api } of calls) {
    const offered = apiKeys.find(({ apiKey }) => apiKey === api.key)
    if (offered !== undefined && offered.minVersion <= api.version && offered.maxVersion >= api.version) continue
    const range = offered === undefined ? 'not at all' : `in versions ${offered.minVersion} to ${offered.maxVersion}`
    throw new MillraceError(
      'CONFIG_INVALID',
      `The brokers offer the call ${kafka.protocolAPIsById[api.key]} ${range}; version ${api.version} is needed.`,
      {
        fix: 'Use Apache Kafka 3.1 or later, or a broker that is compatible with it.',
      },
    )
  }
}
