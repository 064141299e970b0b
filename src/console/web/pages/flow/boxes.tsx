import { useComputed } from '@preact/signals'
import { agentNode, topicNode } from '../../live/nodes.ts'
import { overview } from '../../live/overview.ts'
import { countText, perSecondText } from '../../parts/numbers.ts'
import { type Box, endId } from './graph.ts'
import type { Placed } from './layout.ts'
import { flowHref } from './shape.ts'
import { MARKS, toneOf, versionText, wordsOf } from './standing.ts'

interface Drawn {
  readonly box: Box
  readonly at: Placed
  /** What is selected, as it stands in the URL. */
  readonly selected: string
}

/** A box where the layout has put it. Each reads only its own part of the overview, so that one that has not changed is not drawn again. */
export function BoxView(drawn: Drawn) {
  const { box, at } = drawn
  const style = { left: `${at.x}px`, top: `${at.y}px`, width: `${at.width}px`, height: `${at.height}px` }
  return (
    <li class={`node ${box.kind}`} style={style}>
      {box.kind === 'agent' ? <AgentBox {...drawn} /> : <PlainBox {...drawn} />}
    </li>
  )
}

function AgentBox({ box, selected }: Drawn) {
  return (
    <>
      <div class="name" title={box.name}>
        {box.name}
      </div>
      <div class="versions">
        {box.groups.map(group => (
          <Version key={group} box={box} group={group} selected={selected} />
        ))}
      </div>
    </>
  )
}

function Version({ box, group, selected }: { readonly box: Box; readonly group: string; readonly selected: string }) {
  const node = agentNode(group).value
  if (node === undefined) return null
  const tone = toneOf(node)
  const id = endId({ box: box.id, group })
  const words = wordsOf(node)
  const rate = perSecondText(node.handled_per_second)
  return (
    <a
      class={`version ${tone}`}
      href={flowHref([id])}
      aria-current={selected === id || (selected === box.id && box.groups[0] === group)}
      aria-label={`Agent ${box.name} ${versionText(node)}: ${words}; ${rate}`}
      title={words}
      data-end={id}
    >
      <span class="first">
        <span class="sign" aria-hidden="true">
          {MARKS[tone]}
        </span>
        <span class="which">{versionText(node)}</span>
        <b>{rate}</b>
      </span>
      <span class="words">{words}</span>
    </a>
  )
}

const KINDS: Readonly<Record<Exclude<Box['kind'], 'agent'>, string>> = {
  producers: 'Front end',
  topic: 'Topic',
  cache: 'Cache',
  store: 'Store',
}

function PlainBox({ box, selected }: Drawn) {
  const kind = KINDS[box.kind as Exclude<Box['kind'], 'agent'>] // an agent is drawn by AgentBox
  const said = useComputed(() => saidOf(box)).value
  return (
    <a
      class="plain"
      href={flowHref([box.id])}
      aria-current={selected === box.id}
      aria-label={`${kind} ${box.name}${said === '' ? '' : `: ${said}`}`}
      title={box.name}
      data-end={box.id}
    >
      <b>{box.name}</b>
      <span class="words">{said === '' ? kind.toLowerCase() : said}</span>
    </a>
  )
}

function saidOf({ kind, name }: Box): string {
  if (kind === 'producers') return `${perSecondText(overview.value?.front_end.accepted_per_second ?? 0)} accepted`
  const topic = kind === 'topic' ? topicNode(name).value : undefined
  return topic === undefined ? '' : `${perSecondText(topic.in_per_second)} · ${countText(topic.retained)} held`
}
