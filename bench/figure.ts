import type { Speed } from './yardstick.ts'

/** One measured figure against its goal. `goal` is a bound: at most for costs and times. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What `value` comes to on the machine that the goals are of; for costs of CPU, which are as much as a machine is slow. */
  readonly reference?: number
  readonly goal: number
  readonly ok: boolean
}

/**
 * A cost of CPU, the least of its rounds, and of each round what it comes to on the machine of the goals. The median of those is what is
 * compared with the goal: the least of each side may be of moments when the machine ran at other speeds.
 */
export function cpuAtMost(name: string, rounds: readonly { readonly cost: number; readonly factor: number }[], goal: number): Figure {
  const there = rounds.map(({ cost, factor }) => cost / factor).sort((a, b) => a - b)
  const reference = there[Math.floor(there.length / 2)]!
  const figure = atMost(name, Math.min(...rounds.map(({ cost }) => cost)), 'CPU-s/M', goal)
  return { ...figure, reference: Number(reference.toPrecision(3)), ok: reference <= goal }
}

export function shown({ name, value, unit, reference, goal, ok }: Figure): string {
  const there = reference === undefined ? '' : `, ${reference} on the reference machine`
  return `${ok ? '✓' : '✗ MISSED'} ${name}: ${value} ${unit}${there} (goal: at most ${goal})`
}

export function atMost(name: string, value: number, unit: string, goal: number): Figure {
  return { name, value: Number(value.toPrecision(3)), unit, goal, ok: value <= goal }
}

/** What is shown beside the figures: floors and parts, with no goal of their own. */
export interface Note {
  readonly note: string
  readonly value: number
  readonly unit: string
}

export interface Bench {
  readonly name: string
  /** @param machine how fast it is now, to be asked in turn with what is measured. */
  run(say: (text: string) => void, machine: () => Promise<Speed>): Promise<{ figures: Figure[]; notes: Note[] }>
}

export function note(text: string, value: number, unit: string): Note {
  return { note: text, value: Number(value.toPrecision(3)), unit }
}
