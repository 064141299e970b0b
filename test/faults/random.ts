/** Uniform in [0, 1) from a seed (mulberry32): a run can be repeated by the seed it prints. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of this run: a new one each time, or MILLRACE_SEED to see a failure again. Printed, so that a failure can be. */
export function seedOf(test: string): number {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${test}: MILLRACE_SEED=${seed}`)
  return seed
}
