import { computed, type ReadonlySignal } from '@preact/signals'
import { agentNode, topicNode } from '../../live/nodes.ts'
import { percentText, perSecondText } from '../../parts/numbers.ts'
import { type Edge, endId } from './graph.ts'
import { chipSize, type Layout, type Wire } from './layout.ts'
import { rateOf, readingOn, type Sides, wireWidth } from './rate.ts'
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

const saying = new WeakMap<Edge, ReadonlySignal<Said>>()

/** It is another object only where something else is to be drawn. */
function saidOf(edge: Edge): ReadonlySignal<Said> {
  const known = saying.get(edge)
  if (known !== undefined) return known
  const group = edge.to.group ?? edge.from.group
  let last: Said | undefined
  const said = computed(() => {
    const agent = group === undefined ? undefined : agentNode(group).value
    const topic = edge.topic === undefined ? undefined : topicNode(edge.topic).value
    const next = sayOf(edge, { agent, topic })
    if (last === undefined || last.words !== next.words || last.tone !== next.tone || last.width !== next.width) last = next
    return last
  })
  saying.set(edge, said)
  return said
}

function sayOf(edge: Edge, sides: Sides): Said {
  const rate = rateOf(edge, sides)
  const rateText = rate === undefined ? '' : rate.exact ? perSecondText(rate.perSecond) : `part of ${perSecondText(rate.perSecond)}`
  const base = { rate: rateText, width: wireWidth(rate?.perSecond ?? 0) }
  const reading = readingOn(edge, sides)
  if (sides.agent === undefined || reading === undefined)
    return { ...base, tone: 'idle', words: rateText === '' ? 'rate not known by itself' : rateText }
  return {
    ...base,
    tone: readingTone(reading, toneOf(sides.agent)),
    lag: lagText(reading),
    full: reading.full,
    words: readingText(reading),
  }
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
  const { width, tone } = saidOf(edge).value
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
  const { rate, tone, lag, full, words } = saidOf(edge).value
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
