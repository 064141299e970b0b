/** One agent hop whose work is done by a worker in Python that attaches over HTTP. */
import { pipeline, remoteAgent, topic } from 'millrace'
import { attached } from 'millrace/remote'
import { z } from 'zod'
import { readings } from './ingest.ts'

const halved = topic('halved', z.object({ station: z.string(), at: z.string(), half: z.number() }), { key: h => h.station })
const halve = remoteAgent('halve', { version: 1, from: readings, to: halved, run: attached() })

export default pipeline('bench', { agents: [halve] })
