import type { Comparison } from './compare.ts'

/** A comparison as it goes over a wire. */
export function comparisonToJson({ sides, handled, compared, topics }: Comparison) {
  return {
    versions: sides.map(({ agent, isShadow }) => ({ agent, shadow: isShadow })),
    handled,
    compared,
    topics: topics.map(({ topic, pairs, equal, only, unknown, fields, examples }) => ({
      ...{ topic, pairs, equal, unknown },
      fields: [...fields],
      equal_share: pairs === 0 ? null : equal / pairs,
      only_first: only[0],
      only_second: only[1],
      examples: examples.map(({ dataId, index, values }) => ({ data_id: dataId, index, values: [...values] })),
    })),
  }
}
