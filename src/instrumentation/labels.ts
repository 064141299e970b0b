import { DECISIONS } from './advice/advice.ts'
import { AGENT_STATES } from './diagnosis.ts'

/** Every label that a metric may have, with what bounds the number of its values: what is not bounded by declarations or by a small set of words is no label. */
export const LABELS = {
  agent: { values: undefined, bound: 'names of declared agents' },
  version: { values: undefined, bound: 'versions of declared agents' },
  topic: { values: undefined, bound: 'names of declared topics, and `other` for what producers ask for that nobody declared' },
  outcome: {
    values: ['accepted', 'duplicate', 'rejected', 'retry', 'done', 'dead', 'lost', 'sent', 'failed', 'dropped'],
    bound: 'as the metric’s meaning lists them',
  },
  state: { values: AGENT_STATES, bound: '' },
  decision: { values: DECISIONS, bound: '' },
  exporter: { values: ['otlp', 'dogstatsd'], bound: '' },
  signal: { values: ['metrics', 'traces'], bound: '' },
  from: { values: undefined, bound: 'topics at which declared objectives begin' },
  to: { values: undefined, bound: 'topics and storage agents at which declared objectives end' },
  within: { values: undefined, bound: 'the times of declared objectives, as the pipeline’s file has them' },
  route: { values: undefined, bound: 'paths of declared agents that canaries take' },
  window: { values: ['5m', '1h'], bound: '' },
} as const satisfies Record<string, { readonly values: readonly string[] | undefined; readonly bound: string }>

export type Label = keyof typeof LABELS
