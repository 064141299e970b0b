import { answer, millrace } from './millrace.ts'

interface Key {
  readonly id: string
  readonly key: string
  readonly source: string
}

/** The producer's keys, one for the generating stations and one for the demand stations; each may write to its own topic only. */
export interface GridKeys {
  /** For the producer's environment. */
  readonly env: Readonly<Record<string, string>>
  /** Ends the keys of earlier runs, whose secrets are nowhere any more. Not before this run has the place for itself: another's producer keeps its keys. */
  revokeOthers(): Promise<void>
}

/** @param where flags of `millrace keys` that say whose keys, such as `--data DIR`. */
export async function addKeys(where: readonly string[]): Promise<GridKeys> {
  const add = async (source: string, topic: string) =>
    (await answer(millrace('keys', 'add', source, '--topic', topic, ...where))) as unknown as Key // docs/cli.md: what `keys add` answers
  const generation = await add('generating-stations', 'generation')
  const demand = await add('demand-stations', 'demand')
  return {
    env: { GRID_GENERATION_KEY: generation.key, GRID_DEMAND_KEY: demand.key },
    async revokeOthers() {
      const { keys } = (await answer(millrace('keys', 'list', ...where))) as unknown as { keys: Omit<Key, 'key'>[] } // as above
      for (const old of keys) {
        const replaced = [generation, demand].some(key => key.source === old.source && key.id !== old.id)
        if (replaced) await answer(millrace('keys', 'revoke', old.id, ...where))
      }
    },
  }
}
