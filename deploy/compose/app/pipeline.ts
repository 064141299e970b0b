import { readFile } from 'node:fs/promises'
import { agent, pipeline, storageAgent, topic } from 'millrace'
import { postgres } from 'millrace/storage/postgres'
import { s3 } from 'millrace/storage/s3'
import { z } from 'zod'

const reading = topic('reading', z.object({ sensor: z.string(), celsius: z.number() }), { key: r => r.sensor })
const alert = topic('alert', z.object({ sensor: z.string(), celsius: z.number(), usual: z.number() }))

const watch = agent('watch', { version: 1, from: reading, to: alert, by: r => r.sensor, window: 10 }, (r, { window }) => {
  const usual = window.reduce((sum, w) => sum + w.celsius, 0) / window.length
  if (r.celsius > usual + 5) return { sensor: r.sensor, celsius: r.celsius, usual }
})

// Every process loads this file and only storage agents connect: the password is read when it is asked for, where there is one.
const password = async () => (await readFile('/run/secrets/postgres_password', 'utf8')).trim()
const { PGHOST: host = 'localhost', PGUSER: user = 'millrace', PGDATABASE: database = 'millrace' } = process.env

const lake = storageAgent('lake', { version: 1, from: [reading, alert], to: s3({ bucket: 'lake', endpoint: 'http://s3:9000' }) })
const warehouse = storageAgent('warehouse', { version: 1, from: alert, to: postgres({ host, user, database, password }) })

export default pipeline('sensors', { agents: [watch, lake, warehouse] })
