import type { TopicAnswer } from '../../../api/topics.ts'
import { countText, percentText } from '../../parts/numbers.ts'

/** A partition that gets so many times its even share is a hot one. */
const HOT = 2

/** How unevenly what comes in is spread over the partitions: in words, and whether that is so much that more partitions or replicas do not help. */
export function skewOf(partitions: TopicAnswer['partitions']): { readonly words: string; readonly hot: boolean } {
  const rates = partitions.map(({ in_per_second }) => in_per_second)
  const sum = rates.reduce((all, rate) => all + rate, 0)
  if (partitions.length < 2 || sum === 0) return { words: '', hot: false }
  const most = Math.max(...rates)
  const even = sum / partitions.length
  const { partition } = partitions[rates.indexOf(most)]!
  const words = `Partition ${partition} gets ${percentText(most / sum)} of what comes in; even would be ${percentText(even / sum)} for each of ${countText(partitions.length)}.`
  return { words, hot: most >= even * HOT }
}
