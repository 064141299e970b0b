import { useComputed } from '@preact/signals'
import { overview } from '../../live/overview.ts'
import { percentText, perSecondText } from '../../parts/numbers.ts'
import { type Edge, endId } from './graph.ts'
import { chipSize, type Layout, type Wire } from './layout.ts'
import { rateOf, wireWidth } from './rate.ts'
import { edgeParts } from './selection.ts'
import { flowHref } from './shape.ts'
import { lagText, MARKS, readingText, readingTone, type Tone, toneOf } from './standing.ts'

interface Drawn {
  readonly edge: Edge
  readonly wire: Wire
  readonly isSelected: boolean
}

/** What an edge says: how many data a second, and where they wait for an agent how many, since when, and how full that is. */
interface Said {
  readonly rate: string
  readonly width: number
  readonly tone: Tone
  readonly lag?: string
  readonly full?: number
  /** All of it in words. */
  readonly words: string
}

function saidOf(edge: Edge): Said {
  const now = overview.value
  const rate = now === undefined ? undefined : rateOf(edge, now)
  const rateText = rate === undefined ? '' : rate.exact ? perSecondText(rate.perSecond) : `part of ${perSecondText(rate.perSecond)}`
  const base = { rate: rateText, width: wireWidth(rate?.perSecond ?? 0) }
  const agent = edge.kind === 'reads' ? now?.agents[edge.to.group!] : undefined
  const reading = agent?.from[edge.topic!]
  if (agent === undefined || reading === undefined)
    return { ...base, tone: 'idle', words: rateText === '' ? 'rate not known by itself' : rateText }
  return { ...base, tone: readingTone(reading, toneOf(agent)), lag: lagText(reading), full: reading.full, words: readingText(reading) }
}

/** The lines of all edges in one drawing; a wide invisible one beside each is easy to hit. */
export function Wires({
  edges,
  layout,
  selected,
}: {
  readonly edges: readonly Edge[]
  readonly layout: Layout
  readonly selected: string
}) {
  return (
    <svg class="wires" width={layout.width} height={layout.height} aria-hidden="true">
      {edges.map(edge => (
        <WireView key={edge.id} edge={edge} wire={layout.wires[edge.id]!} isSelected={selected === edge.id} />
      ))}
    </svg>
  )
}

function WireView({ edge, wire, isSelected }: Drawn) {
  const width = useComputed(() => saidOf(edge).width).value
  const tone = useComputed(() => saidOf(edge).tone).value
  return (
    <g class={`wire ${tone}${isSelected ? ' selected' : ''}`}>
      {/* The same as the label's link, for the mouse: the canvas hears of the click. */}
      <path class="hit" d={wire.path} data-edge={edge.id} />
      <path d={wire.path} stroke-width={width} />
    </g>
  )
}

/** An edge's label, which opens its tail. */
export function Chip({ edge, wire, isSelected }: Drawn) {
  const said = useComputed(() => saidOf(edge))
  // Equal words are the same drawing: an overview a second makes a new object, not a new label.
  useComputed(() => `${said.value.tone} ${said.value.words}`).value
  const { rate, tone, lag, full, words } = said.peek()
  const { width, height } = chipSize(edge)
  const style = { left: `${wire.x - width / 2}px`, top: `${wire.y - height / 2}px`, width: `${width}px`, height: `${height}px` }
  return (
    <li class="edge" style={style}>
      <a
        class={`chip ${tone}`}
        href={flowHref(edgeParts(edge))}
        aria-current={isSelected}
        aria-label={`${nameOf(edge)}: ${words}`}
        data-end={edge.id}
        title={words}
      >
        <b>
          {tone === 'bad' || tone === 'warn' ? <span aria-hidden="true">{MARKS[tone]} </span> : null}
          {rate === '' ? '→' : rate}
        </b>
        {lag !== undefined && <span class="lag">{lag}</span>}
        {full !== undefined && full >= 0.01 && (
          <span class="full">
            <i style={{ width: percentText(full).replace(' ', '') }} />
          </span>
        )}
      </a>
    </li>
  )
}

export function nameOf({ from, to }: Edge): string {
  return `${shown(endId(from))} → ${shown(endId(to))}`
}

function shown(end: string): string {
  return end === 'producers' ? 'Producers' : end.slice(end.indexOf(':') + 1)
}
