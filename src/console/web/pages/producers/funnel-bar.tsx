import type { Producer } from '../../../api/producers.ts'
import { percentText } from '../../parts/numbers.ts'
import { funnelOf } from './funnel.ts'

/** The funnel in one line. Its numbers stand beside it. */
export function FunnelBar({ producer }: { readonly producer: Producer }) {
  const steps = funnelOf(producer).slice(1).toReversed()
  const words = steps.map(({ name, share }) => `${name} ${percentText(share)}`).join(', ')
  return (
    <span class="funnel-bar" title={words} aria-hidden="true">
      {steps.map(({ name, share, tone }) => (
        <span key={name} class={tone} style={{ width: `${share * 100}%` }} />
      ))}
    </span>
  )
}
