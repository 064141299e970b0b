import { agent, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { z } from 'zod'

const reading = topic('reading', z.object({ sensor: z.string(), celsius: z.number() }), { key: r => r.sensor })
const alert = topic('alert', z.object({ sensor: z.string(), celsius: z.number(), usual: z.number() }))

const watch = agent('watch', { version: 1, from: reading, to: alert, by: r => r.sensor, window: 10 }, (r, { window }) => {
  const usual = window.reduce((sum, w) => sum + w.celsius, 0) / window.length
  if (r.celsius > usual + 5) return { sensor: r.sensor, celsius: r.celsius, usual }
})

const lake = storageAgent('lake', { version: 1, from: [reading, alert], to: files('./lake') })

export default pipeline('sensors', { agents: [watch, lake] })
