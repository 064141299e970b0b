/** One agent hop whose work is done by a child process in Python. */
import { fileURLToPath } from 'node:url'
import { pipeline, remoteAgent, topic } from 'millrace'
import { command } from 'millrace/remote'
import { z } from 'zod'
import { readings } from './ingest.ts'

const PROGRAM = fileURLToPath(new URL('hop.py', import.meta.url))
const CLIENT = fileURLToPath(new URL('../../clients/python/src', import.meta.url))

const halved = topic('halved', z.object({ station: z.string(), at: z.string(), half: z.number() }), { key: h => h.station })
const halve = remoteAgent('halve', {
  version: 1,
  from: readings,
  to: halved,
  run: command(['python3', PROGRAM], { env: { PYTHONPATH: CLIENT } }),
})

export default pipeline('bench', { agents: [halve] })
