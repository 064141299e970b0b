import { expect, it } from 'vitest'
import { Member } from '../../../src/stream/adapters/kafka/group/member.ts'
import { errorCode } from './protocol-error.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

it('a member whose goodbye is refused tells so, and leaves no connection and no join behind', async () => {
  const { promise: joining, resolve: joinsAgain } = Promise.withResolvers<void>()
  const { promise: over, reject: hangUp } = Promise.withResolvers<never>()
  over.catch(() => undefined)
  const unanswered = {
    throttleTimeMs: 0,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
  let joins = 0
  const cluster = new ScriptedCluster({
    // First it is given a name, then it waits for others, which only its connection's end ends.
    joinGroupV7: async () => {
      if (++joins === 1) return { ...unanswered, errorCode: errorCode('MEMBER_ID_REQUIRED'), memberId: 'member' }
      joinsAgain()
      return over
    },
    leaveGroupV4: async () => {
      throw new Error('the coordinator does not let it go')
    },
  })
  const member = new Member(cluster, 'group', ['demand'], { begun: () => undefined, failed: () => undefined })
  expect(cluster.pools).toBe(1)
  cluster.onPoolClosed = () => hangUp(new Error('the connection has ended'))
  member.join()
  await joining
  await expect(member.leave()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  expect(cluster.pools).toBe(0)
  await cluster.close()
})
