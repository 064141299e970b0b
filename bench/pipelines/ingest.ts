/** Ingest alone: one topic, nobody reads it. */
import { pipeline, topic } from 'millrace'
import { reading } from '../data.ts'

export const readings = topic('reading', reading, { key: r => r.station })
export default pipeline('bench', { agents: [], topics: [readings] })
