/** One measured figure against its goal. `goal` is a bound: at most for costs and times. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal: number
  readonly ok: boolean
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
  run(say: (text: string) => void): Promise<{ figures: Figure[]; notes: Note[] }>
}

export function note(text: string, value: number, unit: string): Note {
  return { note: text, value: Number(value.toPrecision(3)), unit }
}
