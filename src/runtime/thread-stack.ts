import type { Worker } from 'node:worker_threads'
import type { Clock } from '../clock.ts'

/** So long it is watched: where it spins, nearly all samples are of one place. */
const WATCHED_MS = 50
/** On a machine that has much to do it takes seconds; a thread that stands in native code (a lock, a synchronous child process) does not answer at all. */
const PATIENCE_MS = 5_000
/** Frames that are shown. */
const MOST_FRAMES = 20

/** Of a CPU profile, what is read here: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile */
interface Profile {
  readonly nodes: readonly Node[]
}

interface Node {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly hitCount?: number
  readonly children?: readonly number[]
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[]
}

/**
 * Where a thread is that does not answer: V8's profiler interrupts it, and looks for a moment where it spends its time. Nothing of it
 * runs at any other time. Functions that the compiler has inlined are not seen, and are found in the frame that they are in.
 * @returns the stack, innermost first, a frame a line; undefined where it cannot be had.
 */
export async function stackOf(worker: Worker, clock: Clock): Promise<string | undefined> {
  const gaveUp = Promise.withResolvers<undefined>()
  const cancel = clock.after(PATIENCE_MS, () => gaveUp.resolve(undefined))
  const profile = watched(worker, clock)
    // It ended, or was ended, in the middle of it, which is told elsewhere; or this Node is older than 24.8 and cannot do it.
    .catch(() => undefined)
  try {
    const text = await Promise.race([profile, gaveUp.promise])
    return text === undefined ? undefined : stackIn(JSON.parse(text) as Profile) // V8's own format, above
  } finally {
    cancel()
  }
}

async function watched(worker: Worker, clock: Clock): Promise<string> {
  const handle = await worker.startCpuProfile()
  await clock.sleep(WATCHED_MS)
  return handle.stop()
}

/** The stack on which most samples were taken, without Node's own frames. */
export function stackIn({ nodes }: Profile): string | undefined {
  const parents = new Map(nodes.flatMap(node => (node.children ?? []).map(child => [child, node] as const)))
  const isOurs = ({ callFrame: { url } }: Node) => url !== '' && !url.startsWith('node:')
  // V8's own entries, such as (garbage collector), stand on no stack.
  const seen = nodes.filter(({ callFrame }) => !callFrame.functionName.startsWith('('))
  const [hottest] = seen.toSorted((a, b) => (b.hitCount ?? 0) - (a.hitCount ?? 0))
  const frames: string[] = []
  for (let node = hottest; node !== undefined && frames.length < MOST_FRAMES; node = parents.get(node.id)) {
    if (!isOurs(node)) continue
    const { functionName, url, lineNumber } = node.callFrame
    // Of the innermost the line is known that runs, of the others the one on which the function begins.
    const [ticks] = node === hottest ? (node.positionTicks ?? []).toSorted((a, b) => b.ticks - a.ticks) : []
    frames.push(`    at ${functionName || '<anonymous>'} (${url}:${ticks?.line ?? lineNumber + 1})`)
  }
  return frames.length === 0 ? undefined : frames.join('\n')
}
