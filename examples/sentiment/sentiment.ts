/** Customers' feedback comes in by HTTP; a model in Python says what mood they are in; both are rows of a database, each once. */
import { fileURLToPath } from 'node:url'
import { pipeline, remoteAgent, storageAgent, topic } from 'millrace'
import { command } from 'millrace/remote'
import { postgres } from 'millrace/storage/postgres'
import { sqlite } from 'millrace/storage/sqlite'
import { z } from 'zod'

export const feedback = topic(
  'feedback',
  z.object({
    /** Names the feedback where it was given. */
    ticket: z.string(),
    customer: z.string().min(1).max(64),
    channel: z.enum(['app', 'web', 'phone', 'shop']),
    product: z.enum(['basic', 'plus', 'pro']),
    stars: z.number().int().min(1).max(5),
    /** That the customer waited. */
    minutes: z.number().min(0),
    /** Of the text. */
    words: z.number().int().min(0),
    refunded: z.boolean(),
  }),
  { key: f => f.customer },
)

export const sentiment = topic(
  'sentiment',
  z.object({
    /** The data_id of the feedback. */
    feedback: z.string(),
    customer: z.string(),
    mood: z.enum(['good', 'bad']),
    /** That the mood is good. */
    probability: z.number(),
    /** The version of the model that says so. */
    model: z.number().int(),
  }),
  { key: s => s.customer },
)

const here = fileURLToPath(new URL('.', import.meta.url))
/** Where `pip install ./clients/python` would put it. */
const client = fileURLToPath(new URL('../../clients/python/src', import.meta.url))

/** Version 1 is a logistic regression, version 2 boosted trees: another model, the same program. */
export function mood(version: 1 | 2, as: { readonly shadow?: boolean; readonly replaces?: number } = {}) {
  const run = command(['python3', 'sentiment.py', `model-${version}.json`], { cwd: here, env: { PYTHONPATH: client } })
  return remoteAgent('mood', { version, ...as, from: feedback, to: sentiment, by: f => f.customer, window: 20, run })
}

/** In a file, unless the environment says in which PostgreSQL. */
const { SENTIMENT_POSTGRES: database } = process.env
const rows = storageAgent('rows', {
  version: 1,
  from: [feedback, sentiment],
  to: database === undefined ? sqlite('./sentiment.db') : postgres(database),
})

/** The pipeline with some versions of the model. */
export function sentiments(...moods: ReturnType<typeof mood>[]) {
  return pipeline('sentiment', { agents: [...moods, rows] })
}

export default sentiments(mood(1))
