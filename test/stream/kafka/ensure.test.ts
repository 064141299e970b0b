import { ConfigSources, ConfigTypes } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { ensureTopics } from '../../../src/stream/adapters/kafka/ensure.ts'
import { Names } from '../../../src/stream/adapters/kafka/names.ts'
import { spec } from '../../../src/testing/suite-data.ts'
import { errorCode } from './protocol-error.ts'
import { type Script, ScriptedCluster } from './scripted-cluster.ts'

const NAMES = new Names('', 'grid')

/** Topics as they are described: with a limit for record batches, by name, and else as they are to be. */
function describing(limits: Readonly<Record<string, number>>): Script {
  return {
    describeConfigsV4: async (_connection, resources) => ({
      throttleTimeMs: 0,
      results: resources.map(({ resourceType, resourceName }) => {
        const config = {
          name: 'max.message.bytes',
          value: String(limits[resourceName]),
          readOnly: false,
          configSource: ConfigSources.TOPIC_CONFIG,
          isSensitive: false,
          synonyms: [],
          configType: ConfigTypes.INT,
          documentation: null,
        }
        return { errorCode: 0, errorMessage: null, resourceType, resourceName, configs: [config] }
      }),
    }),
  }
}

describe('topics that are ensured', () => {
  it('say the largest record batch that every one of them takes, as their owners have set it', async () => {
    const cluster = new ScriptedCluster(describing({ demand: 1_048_588, alerts: 4_000_000 }))
    for (const name of ['demand', 'alerts']) cluster.add(name)
    expect(await ensureTopics(cluster, NAMES, [spec('alerts'), spec('demand')])).toBe(1_048_588)
    expect(await ensureTopics(cluster, NAMES, [spec('alerts')])).toBe(4_000_000)
    await cluster.close()
  })

  it('all have leaders before one is told of that another process has made otherwise', async () => {
    const made = (name: string, error?: string) => ({
      name,
      topicId: '',
      errorCode: error === undefined ? 0 : errorCode(error),
      errorMessage: null,
      topicConfigErrorCode: 0,
      numPartitions: 1,
      replicationFactor: 1,
      configs: [],
    })
    const cluster = new ScriptedCluster({
      ...describing({ demand: 1_048_588 }),
      createTopicsV7: async () => {
        cluster.add('demand', 1)
        cluster.add('alerts', 1, [-1])
        let refreshes = 0
        cluster.onRefresh = () => {
          if (++refreshes === 2) cluster.add('alerts', 1)
        }
        return { throttleTimeMs: 0, topics: [made('demand', 'TOPIC_ALREADY_EXISTS'), made('alerts')] }
      },
    })
    await expect(ensureTopics(cluster, NAMES, [spec('demand', 3), spec('alerts')])).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' })
    expect(cluster.known('alerts')?.partitions).toMatchObject([{ leader: 1 }])
    await cluster.close()
  })
})
