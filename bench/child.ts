import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A measured process: it answers `cpu` with the CPU microseconds of all its threads so far. */
export interface Child {
  readonly ready: Record<string, unknown>
  ask<T>(question: string, detail?: unknown): Promise<T>
  stop(): Promise<void>
}

/** Starts `file` and waits for its first message. What it answers is matched by number. */
export async function child(file: string, args: readonly string[] = []): Promise<Child> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const forked: ChildProcess = fork(path, args, {
    // kafkajs sets timers in the past, of which Node would warn in every child that uses it.
    execArgv: ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let asked = 0
  forked.on('message', (m: { id: number; value: unknown; error?: string }) => {
    const entry = waiting.get(m.id)
    waiting.delete(m.id)
    if (m.error === undefined) entry?.resolve(m.value)
    else entry?.reject(new Error(m.error))
  })
  const exited = new Promise<void>(resolve => forked.once('exit', () => resolve()))
  void exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended`))
  })
  const answer = (id: number) => new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  const ready = (await answer(0)) as Record<string, unknown>
  return {
    ready,
    ask<T>(question: string, detail?: unknown) {
      const id = ++asked
      forked.send({ id, question, detail })
      // The child answers its own questions; its types are its callers' to know.
      return answer(id) as Promise<T>
    },
    async stop() {
      if (forked.connected) forked.send({ id: ++asked, question: 'stop' })
      await exited
    },
  }
}

/** In the child: says that it is ready and answers questions until `stop`. `cpu` is answered here. */
export function serve(
  ready: Record<string, unknown>,
  answers: Record<string, (detail: never) => unknown>,
  stop: () => Promise<void>,
): void {
  const send = (id: number, value: unknown, error?: string) => process.send?.({ id, value, ...(error === undefined ? {} : { error }) })
  process.on('message', async (m: { id: number; question: string; detail: unknown }) => {
    if (m.question === 'stop') {
      await stop()
      process.exit(0)
    }
    if (m.question === 'cpu') {
      const used = process.cpuUsage()
      return send(m.id, used.user + used.system)
    }
    try {
      send(m.id, await answers[m.question]?.(m.detail as never))
    } catch (error) {
      send(m.id, undefined, String((error as Error).stack ?? error))
    }
  })
  send(0, ready)
}

/** What several rounds of each side gave, taken in turn: what drifts, drifts for both. */
export async function interleaved<K extends string, T = number>(
  rounds: number,
  sides: Record<K, () => Promise<T>>,
): Promise<Record<K, T[]>> {
  const measured = {} as Record<K, T[]>
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(sides) as [K, () => Promise<T>][]) {
      measured[name] ??= []
      measured[name].push(await measure())
    }
  }
  return measured
}

/** The median of a side's ratios to its floor, round by round. The least of each side may be of moments when the machine ran at other speeds. */
export function medianRatio(side: readonly number[], floor: readonly number[]): number {
  const ratios = side.map((value, round) => value / floor[round]!).sort((a, b) => a - b)
  return ratios[Math.floor(ratios.length / 2)]!
}
