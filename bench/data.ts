import { z } from 'zod'

/** What every figure is measured on: about 220 bytes of JSON. */
export const reading = z.object({ station: z.string(), at: z.string(), megawatts: z.number(), status: z.string(), note: z.string() })
export type Reading = z.infer<typeof reading>

const NOTE = 'metered at the substation, transmitted over the backup link, checked by the local controller'

/** The i-th datum, of one of `keys` stations. */
export function readingJson(i: number, keys: number): string {
  return JSON.stringify({
    station: `station-${String(i % keys).padStart(5, '0')}`,
    at: new Date(1_700_000_000_000 + i * 1000).toISOString(),
    megawatts: (i * 7919) % 1000,
    status: 'nominal',
    note: NOTE,
  })
}
