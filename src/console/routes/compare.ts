import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../../errors.ts'
import { hides, masked } from '../../stream/masked.ts'
import type { CompareAnswer } from '../api/agents.ts'
import { maskingOf } from '../masked.ts'
import { countIn, invalid, parameter, type Query, textIn } from '../query.ts'
import type { OpsContext } from '../server.ts'
import { parseTime } from '../tap/start.ts'

const DEFAULT_LAST = '10m'
const DEFAULT_LIMIT = 10_000
const MAX_LIMIT = 100_000
const DEFAULT_EXAMPLES = 5
const MAX_EXAMPLES = 50

/** `GET /v1/compare`: how the outputs of two versions differ. */
export function compareRoutes(server: FastifyInstance, context: OpsContext): void {
  const { compare } = context
  if (compare === undefined) return
  // It reads what both have handled and written, on the main thread.
  let isComparing = false

  server.get<{ Querystring: Query }>('/v1/compare', async ({ query }): Promise<CompareAnswer> => {
    const [first, second] = [textIn(query, 'first'), textIn(query, 'second')]
    if (first === undefined || second === undefined)
      throw invalid('It takes two versions to compare.', 'Ask for ?first=forecast@1&second=forecast@2.')
    const sinceMs = parseTime(textIn(query, 'last') ?? DEFAULT_LAST, context.clock.now(), parameter('last'))
    const most = countIn(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT
    const examples = countIn(query, 'examples', 0, MAX_EXAMPLES) ?? DEFAULT_EXAMPLES
    if (isComparing) throw new MillraceError('OVERLOADED', 'Two versions are being compared already.', { fix: 'Ask again.' })
    isComparing = true
    try {
      return hidden(await compare([first, second], { sinceMs, most, examples }), context)
    } finally {
      isComparing = false
    }
  })
}

/** Without what topics hide: values, and what numbers of theirs are off by. */
function hidden(answer: CompareAnswer, context: OpsContext): CompareAnswer {
  return {
    ...answer,
    topics: answer.topics.map(({ fields, examples, ...topic }) => {
      const masking = maskingOf(context.pipeline(), topic.topic)
      if (masking.mask === undefined) return { ...topic, fields, examples }
      return {
        ...topic,
        fields: fields.filter(({ field }) => !hides(masking, field)),
        examples: examples.map(example => ({ ...example, values: example.values.map(value => masked(masking, value)) })),
      }
    }),
  }
}
