import type { Engine } from '../../engine/engine.ts'
import type { Lease, Subscription } from '../../stream/stream.ts'
import { checkNoMove } from './move-log.ts'

/**
 * The engine, which hands out no lease while a pipeline is being moved to its stream. Looking once, before anything is joined, is not
 * enough: the move could begin right after, find nobody in the groups, and agents that join then would take what it copies for new data.
 * A member has joined when it looks here, and a move says that it has begun before it looks into the groups: one of the two sees the other.
 * Its leases throw MOVE_UNFINISHED.
 */
export function refusingMoves<E extends Pick<Engine, 'subscribe' | 'topics' | 'read'>>(engine: E): E {
  const subscribe = engine.subscribe.bind(engine)
  engine.subscribe = (group, topics, start): Subscription => {
    const subscription = subscribe(group, topics, start)
    return {
      [Symbol.asyncIterator]: () => checked(engine, subscription),
      close: () => subscription.close(),
    }
  }
  return engine
}

/** Every lease anew: between two of them a member may have been given up, and its group looked empty to the move. */
async function* checked(engine: Pick<Engine, 'topics' | 'read'>, subscription: Subscription): AsyncGenerator<Lease, void> {
  for await (const lease of subscription) {
    await checkNoMove(engine)
    yield lease
  }
}
