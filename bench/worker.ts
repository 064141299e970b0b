import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Beside } from './replay.ts'

const PROGRAM = fileURLToPath(new URL('pipelines/hop.py', import.meta.url))
const CLIENT = fileURLToPath(new URL('../clients/python/src', import.meta.url))

/** A worker in Python that attaches. */
export const worker: Beside = attach => {
  const env = { ...process.env, PYTHONPATH: CLIENT, MILLRACE_URL: attach, MILLRACE_AGENT: 'halve@1' }
  const started = spawn('python3', [PROGRAM], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  return () => void started.kill()
}
