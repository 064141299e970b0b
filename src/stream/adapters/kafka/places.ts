import type { Place } from '../../stream.ts'
import { away, type Cluster } from './cluster.ts'
import type { Control } from './control.ts'
import { editionIn, readCommitted } from './group/checkpoint-text.ts'
import { type CommittedOffset, committedOffsets } from './group/committed-offsets.ts'
import type { Names } from './names.ts'
import { answered } from './wire/answered.ts'

/** Where every group of the pipeline stands. @throws a transient error; call it within `patiently`. */
export async function readPlaces(cluster: Cluster, names: Names, control: Control): Promise<Place[]> {
  await control.catchUp()
  const topics = new Map(control.topics.map(({ name }) => [names.topic(name), name]))
  const groups = (await listGroups(cluster)).flatMap(kafkaGroup => {
    const group = names.groupOf(kafkaGroup)
    return group === undefined ? [] : [{ group, kafkaGroup }]
  })
  const places = await Promise.all(
    groups.map(async ({ group, kafkaGroup }) => placesOf(group, await committedOffsets(cluster, kafkaGroup, undefined), topics, control)),
  )
  return places.flat()
}

function placesOf(group: string, offsets: readonly CommittedOffset[], topics: ReadonlyMap<string, string>, control: Control): Place[] {
  const edition = control.line(group)[0]?.edition ?? offsets.map(({ metadata }) => editionIn(metadata)).find(known => known !== undefined)
  const replacedBy = control.replacedBy(group)?.by
  return offsets.flatMap(({ kafkaTopic, partition, offset, metadata }) => {
    const topic = topics.get(kafkaTopic)
    if (topic === undefined) return []
    const { checkpoint } = readCommitted(offset, metadata, edition ?? 0)
    return [{ group, topic, partition, checkpoint, ...(replacedBy === undefined ? {} : { replacedBy }) }]
  })
}

/** Each broker knows the groups that it coordinates. */
async function listGroups(cluster: Cluster): Promise<string[]> {
  const lists = await Promise.all(
    cluster.nodes.map(async node => {
      const { errorCode, groups } = await answered(cluster.kafka.listGroupsV4.api.async(await cluster.connect(node), [], []))
      const problem = cluster.errorId(errorCode)
      if (problem !== undefined) throw away(`the groups of the broker ${node}: ${problem}`)
      return groups.map(group => group.groupId)
    }),
  )
  return [...new Set(lists.flat())]
}
