import type { KeySource } from './key-ring.ts'
import { readKeys } from './keys.ts'
import { Producer } from './producer.ts'

/** The producers' keys, as a ring holds them. */
export function producerKeys(file: string): KeySource<Producer> {
  return {
    file,
    adding: 'millrace keys add',
    read: async () => (await readKeys(file))?.map(key => ({ key, holder: new Producer(key.source, key.topics) })),
  }
}
