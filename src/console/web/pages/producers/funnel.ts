import type { Producer } from '../../../api/producers.ts'
import { agoText } from '../../parts/ago.ts'
import { countText } from '../../parts/numbers.ts'

/** One step of a funnel: so many of those received. */
export interface FunnelStep {
  readonly name: string
  readonly count: number
  /** Of those received; 0 where there were none. */
  readonly share: number
  readonly tone: 'good' | 'warn' | 'bad' | ''
  readonly means: string
}

/** What became of what a producer sent: each datum is in one of the steps after the first. */
export function funnelOf({ received, rejected, duplicate, retry, accepted }: Producer): FunnelStep[] {
  const step = (name: string, count: number, tone: FunnelStep['tone'], means: string): FunnelStep => ({
    ...{ name, count, tone, means },
    share: received === 0 ? 0 : count / received,
  })
  return [
    step('Received', received, '', 'every datum that was sent'),
    step('Rejected', rejected, 'bad', 'broke a rule: sent again as it is, it will be rejected again'),
    step('To be sent again', retry, 'warn', 'the front end was overloaded, or the stream away'),
    step('Duplicate', duplicate, '', 'known already: sending again is safe'),
    step('Accepted', accepted, 'good', 'in the stream, durable'),
  ]
}

/** How far everything that a producer sent to a topic is stored. */
export function storedText({ waiting, until }: Producer['topics'][number]['stores'][number], nowMs: number): string {
  if (waiting === 0) return 'all of it is stored'
  const rest = `${countText(waiting)} of all producers wait`
  return until === null ? `not known yet; ${rest}` : `stored what came before ${agoText(nowMs - Date.parse(until))}; ${rest}`
}
