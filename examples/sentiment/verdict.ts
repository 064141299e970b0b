import { DatabaseSync } from 'node:sqlite'

/** What a version of the model has said of a feedback, in the order in which they were given. */
export interface Said {
  readonly feedback: string
  readonly customer: string
  readonly mood: string
  readonly model: number
}

const BY_TICKET = `SELECT s.feedback, s.customer, s.mood, s.model FROM sentiment s JOIN feedback f ON f.data_id = s.feedback ORDER BY f.ticket`

export function readSaid(file: string): Said[] {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    // As the schema of the topic says.
    return db.prepare(BY_TICKET).all() as unknown as Said[]
  } finally {
    db.close()
  }
}

/**
 * Looks whether each feedback that was acknowledged has one mood, and each customer's changed from version 1 to version 2 and never back.
 * @param truth a line for each feedback: its data_id and the mood that was behind it.
 * @returns how right each version was, for people. @throws Error naming what does not hold.
 */
export function verdict(said: readonly Said[], truth: string): string {
  const moods = new Map(
    truth
      .trim()
      .split('\n')
      .map(line => line.split(' ') as [string, string]),
  )
  const counted = new Set(said.map(({ feedback }) => feedback))
  expect(counted.size === said.length, `${said.length - counted.size} moods are there twice`)
  const missing = [...moods.keys()].filter(feedback => !counted.has(feedback))
  expect(missing.length === 0, `${missing.length} feedback have no mood, such as ${missing[0]}`)
  expect(said.length === moods.size, `there are ${said.length} moods of ${moods.size} feedback`)

  const models = new Map<string, number>()
  for (const { customer, model, feedback } of said) {
    expect(model >= (models.get(customer) ?? 0), `${customer} goes back to version ${model} at ${feedback}`)
    models.set(customer, model)
  }
  const by = [1, 2].map(version => {
    const own = said.filter(({ model }) => model === version)
    const right = own.filter(({ feedback, mood }) => moods.get(feedback) === mood).length
    return `${own.length} by version ${version}, ${((100 * right) / own.length).toFixed(1)} % of them right`
  })
  return `${said.length} feedback, each with one mood: ${by.join('; ')}`
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(`That is not so: ${otherwise}.`)
}
