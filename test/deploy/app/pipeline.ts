import { agent, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { z } from 'zod'

const reading = topic('reading', z.object({ sensor: z.string(), celsius: z.number() }), { key: r => r.sensor })
const fahrenheit = topic('fahrenheit', z.object({ sensor: z.string(), degrees: z.number() }))

const convert = agent('convert', { version: 1, from: reading, to: fahrenheit }, r => ({
  sensor: r.sensor,
  degrees: (r.celsius * 9) / 5 + 32,
}))
const lake = storageAgent('lake', { version: 1, from: fahrenheit, to: files('/data/lake') })

export default pipeline('image', { agents: [convert, lake] })
