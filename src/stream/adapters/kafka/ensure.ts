import { MillraceError } from '../../../errors.ts'
import type { TopicSpec } from '../../stream.ts'
import { away, type Cluster } from './cluster.ts'
import { CONTROL_SPEC } from './control.ts'
import type { Names } from './names.ts'
import { CHECKED_CONFIGS, differences, MAX_MESSAGE_BYTES, MESSAGE_BYTES, type TopicSettings, topicSettings } from './topic-settings.ts'
import { answered } from './wire/answered.ts'

const TOPIC_RESOURCE = 2
const CREATE_TIMEOUT_MS = 10_000

interface Wanted {
  readonly spec: TopicSpec
  readonly kafkaTopic: string
  readonly settings: TopicSettings
}

/**
 * Makes the topics that are missing and checks the others, all of them before anything is made. Resolves when every partition has a leader,
 * to the largest record batch in bytes that all of them take.
 * @throws TOPIC_MISMATCH naming topic, setting, expected and found; STREAM_DENIED naming the right that is missing.
 */
export async function ensureTopics(cluster: Cluster, names: Names, specs: readonly TopicSpec[]): Promise<number> {
  const kafkaTopics = specs.map(spec => names.topic(spec.name))
  const what = `look up the topics ${kafkaTopics.join(', ')}`
  await cluster.patiently({ what }, () => cluster.refresh(kafkaTopics))
  const brokers = brokersOf(cluster, names)
  const wanted = specs.map((spec, index) => ({
    spec,
    kafkaTopic: kafkaTopics[index]!,
    settings: topicSettings(spec, cluster.settings, brokers),
  }))
  const there = wanted.filter(({ kafkaTopic }) => cluster.known(kafkaTopic) !== undefined)
  const missing = wanted.filter(({ kafkaTopic }) => cluster.known(kafkaTopic) === undefined)
  const takenBytes = await check(cluster, there)
  if (missing.length === 0) return takenBytes
  const others = await create(cluster, missing)
  await cluster.patiently({ what: `wait for leaders of ${missing.map(one => one.kafkaTopic).join(', ')}` }, () =>
    haveLeaders(cluster, missing),
  )
  // Another process made them at the same time, perhaps otherwise.
  return Math.min(takenBytes, await check(cluster, others))
}

/**
 * How many brokers there are, those that are down at the moment included, as far as the control topic has replicas on them: a topic that
 * is made while one is down must not be the less safe for it, nor differ from what is expected when it is back.
 */
function brokersOf(cluster: Cluster, names: Names): number {
  const control = cluster.known(names.topic(CONTROL_SPEC.name))?.partitions ?? []
  return Math.max(cluster.nodes.length, ...control.map(partition => partition.replicas))
}

/** @returns the largest record batch in bytes that all of them take. */
async function check(cluster: Cluster, wanted: readonly Wanted[]): Promise<number> {
  let takenBytes = MAX_MESSAGE_BYTES
  if (wanted.length === 0) return takenBytes
  const configs = await cluster.patiently({ what: 'read the configuration of topics', right: 'DescribeConfigs on the topics' }, () =>
    describeConfigs(cluster, wanted),
  )
  for (const { spec, kafkaTopic, settings } of wanted) {
    const metadata = cluster.known(kafkaTopic)
    if (metadata === undefined) throw away(`the topic ${kafkaTopic} is being deleted`)
    const found = {
      partitions: metadata.partitions.length,
      replication: Math.min(...metadata.partitions.map(partition => partition.replicas)),
      configs: configs.get(kafkaTopic) ?? new Map<string, string>(),
    }
    takenBytes = Math.min(takenBytes, Number(found.configs.get(MESSAGE_BYTES) ?? MAX_MESSAGE_BYTES))
    const different = differences(kafkaTopic, settings, found)
    if (different.length === 0) continue
    const list = different.map(({ setting, expected, found: is }) => `${setting}: expected ${expected}, found ${is}`).join('; ')
    throw new MillraceError('TOPIC_MISMATCH', `The topic ${spec.name} is in Kafka as ${kafkaTopic} and differs: ${list}.`, {
      fix: `Mend it by ${different.map(({ mend }) => mend).join('; and ')}; or declare the topic as it is.`,
    })
  }
  return takenBytes
}

async function describeConfigs(cluster: Cluster, wanted: readonly Wanted[]): Promise<Map<string, Map<string, string>>> {
  const resources = wanted.map(
    ({ kafkaTopic }) => ({ resourceType: TOPIC_RESOURCE, resourceName: kafkaTopic, configurationKeys: CHECKED_CONFIGS }) as const,
  )
  const { results } = await answered(cluster.kafka.describeConfigsV4.api.async(await cluster.any(), [...resources], false, false))
  const found = new Map<string, Map<string, string>>()
  for (const { resourceName, errorCode, configs } of results) {
    const problem = cluster.errorId(errorCode)
    if (problem === 'TOPIC_AUTHORIZATION_FAILED' || problem === 'CLUSTER_AUTHORIZATION_FAILED') {
      throw cluster.denied(`read the configuration of the topic ${resourceName}`, `DescribeConfigs on the topic ${resourceName}`)
    }
    if (problem !== undefined) throw away(`the configuration of ${resourceName}: ${problem}`)
    found.set(resourceName, new Map(configs.flatMap(({ name, value }) => (typeof value === 'string' ? [[name, value] as const] : []))))
  }
  return found
}

/** @returns those that another process was quicker to make. */
async function create(cluster: Cluster, missing: readonly Wanted[]): Promise<Wanted[]> {
  const topics = missing.map(({ kafkaTopic, settings }) => ({
    name: kafkaTopic,
    numPartitions: settings.partitions,
    replicationFactor: settings.replication,
    assignments: [],
    configs: Object.entries(settings.configs).map(([name, value]) => ({ name, value })),
  }))
  const what = `make the topics ${topics.map(topic => topic.name).join(', ')}`
  return cluster.patiently({ what, right: 'Create on the cluster, or on the topics' }, async () => {
    // Any broker takes it and passes it on to the controller.
    const answer = await answered(cluster.kafka.createTopicsV7.api.async(await cluster.any(), topics, CREATE_TIMEOUT_MS, false))
    const others: Wanted[] = []
    for (const { name, errorCode, errorMessage } of answer.topics) {
      const problem = cluster.errorId(errorCode)
      if (problem === 'TOPIC_ALREADY_EXISTS') others.push(...missing.filter(one => one.kafkaTopic === name))
      else if (problem !== undefined) throw refusal(cluster, name, problem, errorMessage)
    }
    return others
  })
}

function refusal(cluster: Cluster, kafkaTopic: string, problem: string, message: string | null | undefined): Error {
  if (problem.endsWith('AUTHORIZATION_FAILED')) {
    return cluster.denied(`make the topic ${kafkaTopic}`, `Create on the topic ${kafkaTopic}, or have it made by whoever may`)
  }
  if (cluster.kafka.protocolErrors[problem]?.canRetry === true) return away(`the topic ${kafkaTopic} could not be made: ${problem}`)
  return new MillraceError('TOPIC_MISMATCH', `Kafka does not make the topic ${kafkaTopic}: ${problem}${message ? `, ${message}` : ''}.`, {
    fix: 'Change the declaration, or replication= and min_insync= in the URL, to what the cluster can hold.',
  })
}

async function haveLeaders(cluster: Cluster, wanted: readonly Wanted[]): Promise<void> {
  await cluster.refresh(wanted.map(({ kafkaTopic }) => kafkaTopic))
  for (const { kafkaTopic } of wanted) {
    const partitions = cluster.known(kafkaTopic)?.partitions ?? []
    if (partitions.length === 0 || partitions.some(partition => partition.leader < 0))
      throw away(`the topic ${kafkaTopic} has no leaders yet`)
  }
}
