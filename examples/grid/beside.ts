import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Runs a pipeline and its producer until the pipeline ends, and ends as it does, or as a producer that fails. */
export async function runBeside(pipeline: ChildProcess, producer: ChildProcess): Promise<void> {
  /** The producer first: nothing new arrives while the pipeline finishes what it has. */
  const stop = () => {
    producer.kill()
    pipeline.kill('SIGTERM')
  }
  const fail = (code: number) => {
    process.exitCode = code
    stop()
  }
  producer.on('error', error => {
    console.error(`error: ${producer.spawnfile} does not start: ${error.message}`)
    fail(1)
  })
  producer.on('exit', code => {
    if (code !== null && code !== 0) fail(code)
  })
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const [code] = await once(pipeline, 'exit')
  producer.kill()
  process.exitCode ||= code ?? 1
}
