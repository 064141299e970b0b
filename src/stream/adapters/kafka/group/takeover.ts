import { MillraceError } from '../../../../errors.ts'
import type { Group } from '../../../stream.ts'
import { away, type Cluster } from '../cluster.ts'
import type { Control } from '../control.ts'
import type { Names } from '../names.ts'
import { answered } from '../wire/answered.ts'
import { editionIn } from './checkpoint-text.ts'
import { type CommittedOffset, committedOffsets } from './committed-offsets.ts'

/**
 * Ends the group that another replaces, before the other joins. It may die after any step and be done again by anybody:
 *
 *   1. the control topic notes who replaces it, and the edition: from here on members of the old group that join find out and leave again
 *   2. those that are in it are removed: their generation ends, and their commits are refused
 *   3. the new group's first generations copy what the old one committed last, each member for its own places (`positions.ts`)
 *
 * Nothing happens where the new group has or had a place of its own, or the old one never had one: that the brokers have forgotten its offsets
 * does not make what replaces it new.
 * @throws GRAPH_INVALID where another group has taken over already.
 */
export async function takeOver(cluster: Cluster, names: Names, control: Control, group: Group): Promise<void> {
  const { name, replaces } = group
  if (replaces === undefined) return
  await control.catchUp()
  let replaced = control.replacedBy(replaces)
  if (replaced?.by !== name) {
    const [own, old] = await Promise.all([committed(cluster, names, name), committed(cluster, names, replaces)])
    const { begun } = control
    if (own.length > 0 || begun.hasGroup(name) || (old.length === 0 && !begun.hasGroup(replaces))) return
    const committedEdition = old.map(({ metadata }) => editionIn(metadata)).find(known => known !== undefined)
    const edition = control.line(replaces)[0]?.edition ?? committedEdition ?? begun.editionOf(replaces)
    replaced ??= await control.replace({ old: replaces, by: name, edition: edition ?? group.edition })
  }
  if (replaced.by !== name) {
    throw new MillraceError('GRAPH_INVALID', `${name} replaces ${replaces}, whose place ${replaced.by} has taken over.`, {
      fix: `Declare that it replaces ${replaced.by}.`,
    })
  }
  await removeMembers(cluster, names.group(replaces))
}

function committed(cluster: Cluster, names: Names, group: string): Promise<CommittedOffset[]> {
  return committedOffsets(cluster, names.group(group), undefined)
}

async function removeMembers(cluster: Cluster, kafkaGroup: string): Promise<void> {
  const { groups } = await answered(cluster.kafka.describeGroupsV5.api.async(await cluster.coordinator(kafkaGroup), [kafkaGroup], false))
  const [described] = groups
  const problem = described === undefined ? 'no answer' : cluster.errorId(described.errorCode)
  // A group whose members have all been gone for long is not described.
  if (described === undefined || (problem !== undefined && problem !== 'GROUP_ID_NOT_FOUND')) {
    if (problem?.endsWith('AUTHORIZATION_FAILED'))
      throw cluster.denied(`look at the group ${kafkaGroup}`, `Describe on the group ${kafkaGroup}`)
    cluster.forgetCoordinator(kafkaGroup)
    throw away(`the group ${kafkaGroup}: ${problem}`)
  }
  if (described.members.length === 0) return
  const members = described.members.map(({ memberId }) => ({ memberId }))
  const left = await answered(cluster.kafka.leaveGroupV4.api.async(await cluster.coordinator(kafkaGroup), kafkaGroup, members))
  const refusal = [left.errorCode, ...left.members.map(member => member.errorCode)]
    .map(code => cluster.errorId(code))
    .find(id => id !== undefined && id !== 'UNKNOWN_MEMBER_ID')
  if (refusal === undefined) return
  if (refusal.endsWith('AUTHORIZATION_FAILED')) throw cluster.denied(`end the group ${kafkaGroup}`, `Read on the group ${kafkaGroup}`)
  cluster.forgetCoordinator(kafkaGroup)
  throw away(`the members of ${kafkaGroup} could not be removed: ${refusal}`)
}
