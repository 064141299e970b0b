import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'

const job = topic('job', z.object({ n: z.number() }), { partitions: 1 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })

const brittle = agent('brittle', { version: 1, from: job, to: result, retry: { attempts: 3 } }, ({ n }) => {
  // As native code does that goes wrong.
  if (n === 7) process.kill(process.pid, 'SIGKILL')
  return { n }
})

export default pipeline('ends-its-process', { agents: [brittle] })
