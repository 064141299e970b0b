import { countText } from '../../parts/numbers.ts'

/** What a burn rate means. */
export function burnWords(rate: number | null): string {
  if (rate === null) return 'No datum was due yet.'
  if (rate === 0) return 'Nothing was late.'
  if (rate <= 1) return 'At this rate the error budget lasts.'
  return `At this rate the error budget is used up ${countText(rate)} times as fast as it may be.`
}
