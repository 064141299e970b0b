import { MillraceError } from '../../errors.ts'
import type { Job, RemoteAgentFacts } from '../remote.ts'
import { encoded } from './encoded.ts'
import type { JobQueue } from './job-queue.ts'
import { PROTOCOL } from './messages.ts'
import type { Request, Service } from './service.ts'

/** What the body of each request begins with; the data follow, and {@link TAIL}. */
export function headOf({ name, version, to, addressed }: RemoteAgentFacts): string {
  const targets = to.map(target => target.name)
  const facts = JSON.stringify({ type: 'batch', protocol: PROTOCOL, agent: name, version, codec: 'json', targets, addressed })
  return `${facts.slice(0, -1)},"data":[`
}

const TAIL = ']}'

export interface Batch {
  /** How many of the queue are in it, or have failed, or are waited for by nobody. */
  readonly taken: number
  /** In the order of their `n`. */
  readonly jobs: readonly Job[]
  readonly request: Request
}

/** Makes a request of the jobs at the queue's beginning, as many as its limits allow. One that fits into none at all fails here. */
export function batchOf(queue: JobQueue, head: string, { name, limits }: Pick<Service, 'name' | 'limits'>): Batch {
  const jobs: Job[] = []
  const items: string[] = []
  const around = Buffer.byteLength(head) + TAIL.length
  let bytes = around
  let taken = 0
  for (; taken < queue.length && jobs.length < limits.batch; taken++) {
    const job = queue.at(taken)
    if (job.aborted) continue
    let item: string
    try {
      item = encoded(jobs.length, job)
      checkSize(around + Buffer.byteLength(item), limits.mostBytes, name)
    } catch (error) {
      job.failed(error)
      continue
    }
    const more = Buffer.byteLength(item) + 1
    if (jobs.length > 0 && bytes + more > limits.batchBytes) break
    bytes += more
    items.push(item)
    jobs.push(job)
  }
  return { taken, jobs, request: { body: `${head}${items.join(',')}${TAIL}`, ids: jobs.map(({ dataId }) => dataId) } }
}

function checkSize(bytes: number, mostBytes: number, name: string): void {
  if (bytes <= mostBytes) return
  throw new MillraceError('BODY_TOO_LARGE', `A request with this datum alone has ${bytes} bytes, and ${name} takes ${mostBytes}.`, {
    fix: 'Keep such data elsewhere and send what they are called there, or give the agent a smaller window or state.',
  })
}
