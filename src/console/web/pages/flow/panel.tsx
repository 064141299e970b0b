import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Overview } from '../../../api/overview.ts'
import { overview } from '../../live/overview.ts'
import { Chart } from '../../parts/chart.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { countText, percentText, perSecondText, secondsText } from '../../parts/numbers.ts'
import { TailView } from '../../parts/tail.tsx'
import { hrefTo } from '../../router.ts'
import { nameOf } from './edges.tsx'
import type { Edge, Graph } from './graph.ts'
import { rateOf, readingOn, sidesOf } from './rate.ts'
import { edgeParts, type Selection } from './selection.ts'
import { flowHref } from './shape.ts'
import { MARKS, toneOf, versionText, wordsOf } from './standing.ts'

/** What is selected in the graph: its numbers, their last minutes, and the data that flow there now. */
export function Panel({ selection, graph, close }: { readonly selection: Selection; readonly graph: Graph; readonly close: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const first = useRef(true)
  useEffect(() => {
    // Who opens it by the keyboard goes on in it; where the page is opened with it, the page begins as any other.
    if (!first.current || document.activeElement?.matches('[data-end]') === true) heading.current?.focus({ preventScroll: true })
    first.current = false
  }, [selection.id])
  return (
    <aside class="panel" aria-label="What is selected">
      <div class="inner">
        <div class="row">
          <h2 ref={heading} tabIndex={-1}>
            {titleOf(selection)}
          </h2>
          <span class="spacer" />
          <a class="close" href={close} data-leads-to={selection.id}>
            Close
          </a>
        </div>
        {selection.kind === 'edge' ? <OfEdge edge={selection.edge} /> : <OfBox selection={selection} graph={graph} />}
      </div>
    </aside>
  )
}

function titleOf(selection: Selection): string {
  if (selection.kind === 'edge') return nameOf(selection.edge)
  return selection.group ?? selection.box.name
}

function OfEdge({ edge }: { readonly edge: Edge }) {
  const now = overview.value
  if (now === undefined) return null
  const sides = sidesOf(edge, now)
  const rate = rateOf(edge, sides)
  const reading = readingOn(edge, sides)
  const group = edge.to.group
  return (
    <>
      <Facts
        of={{
          Rate: rate === undefined ? 'not known by itself' : `${rate.exact ? '' : 'part of '}${perSecondText(rate.perSecond)}`,
          Lag: reading === undefined ? undefined : `${countText(reading.lag)} data`,
          'Oldest that waits': reading === undefined ? undefined : reading.lag === 0 ? 'none' : secondsText(reading.lag_seconds),
          Full:
            reading === undefined ? undefined : (
              <span title="How near the oldest that waits is to being deleted">{percentText(reading.full)}</span>
            ),
        }}
      />
      {edge.kind === 'reads' && (
        <>
          <Chart title="Rate" series={`reading ${edge.topic} ${group} rate`} text={perSecondText} />
          <Chart title="Lag" series={`reading ${edge.topic} ${group} lag`} text={countText} />
        </>
      )}
      {edge.kind !== 'reads' && edge.topic !== undefined && (
        <Chart title={`Into ${edge.topic}`} series={`topic ${edge.topic} in`} text={perSecondText} />
      )}
      {edge.topic !== undefined && <OfTopic topic={edge.topic} />}
      {edge.kind === 'stores' && <Command text="millrace ledger" />}
    </>
  )
}

function OfTopic({ topic }: { readonly topic: string }) {
  return (
    <>
      <h3>
        Live tail of <a href={hrefTo(['topics', topic])}>{topic}</a>
      </h3>
      <TailView topic={topic} />
    </>
  )
}

function OfBox({ selection, graph }: { readonly selection: Selection & { readonly kind: 'box' }; readonly graph: Graph }) {
  const now = overview.value
  if (now === undefined) return null
  const { box, group } = selection
  if (group !== undefined) return <OfAgent group={group} graph={graph} now={now} />
  if (box.kind === 'topic') {
    const topic = now.topics[box.name]
    return (
      <>
        <Facts
          of={{
            In: perSecondText(topic?.in_per_second ?? 0),
            Held: countText(topic?.retained ?? 0),
            Partitions: countText(topic?.partitions ?? 0),
            Kept: typeof topic?.retention_seconds === 'number' ? secondsText(topic.retention_seconds) : 'whatever its age',
          }}
        />
        <Chart title="In" series={`topic ${box.name} in`} text={perSecondText} />
        <Around edges={graph.edges.filter(({ from, to }) => from.box === box.id || to.box === box.id)} />
        <OfTopic topic={box.name} />
      </>
    )
  }
  const around = graph.edges.filter(({ from, to }) => from.box === box.id || to.box === box.id)
  if (box.kind === 'producers') {
    const { accepted_per_second, rejected_per_second, duplicate_per_second, retry_per_second, bytes_per_second } = now.front_end
    return (
      <>
        <Facts
          of={{
            Accepted: perSecondText(accepted_per_second),
            Rejected: perSecondText(rejected_per_second),
            Duplicate: perSecondText(duplicate_per_second),
            'To be sent again': perSecondText(retry_per_second),
            Bytes: `${perSecondText(bytes_per_second / 1_000)} kB`.replace('/s kB', ' kB/s'),
          }}
        />
        <Chart title="Accepted" series="front_end accepted" text={perSecondText} />
        <Chart title="Rejected" series="front_end rejected" text={perSecondText} />
        <Around edges={around} />
        <p>
          <a href={hrefTo(['producers'])}>Who they are</a>
        </p>
      </>
    )
  }
  return (
    <>
      <Around edges={around} />
      {box.kind === 'cache' ? (
        <p class="dim">The latest value of each key: GET /v1/cache/{box.name}</p>
      ) : (
        <Command text="millrace ledger" />
      )}
    </>
  )
}

function OfAgent({ group, graph, now }: { readonly group: string; readonly graph: Graph; readonly now: Overview }) {
  const node = now.agents[group]
  if (node === undefined) return <p class="state">This version has ended.</p>
  const tone = toneOf(node)
  const { p50, p99 } = node.handler_seconds
  const replicas = node.replicas ?? undefined
  return (
    <>
      <p class={`mark ${tone}`}>
        <span aria-hidden="true">{MARKS[tone]} </span>
        {wordsOf(node)}
      </p>
      <Facts
        of={{
          Version: versionText(node),
          Handles: perSecondText(node.handled_per_second),
          Writes: node.kind === 'storage-agent' ? undefined : perSecondText(node.outputs_per_second),
          Fails: perSecondText(node.dead_per_second),
          Busy: percentText(node.busy),
          'Handler, median': p50 === undefined || p50 === null ? undefined : secondsText(p50),
          'Handler, 99th percentile': p99 === undefined || p99 === null ? undefined : secondsText(p99),
          'In hand': node.in_flight === 0 ? 'nothing' : `${countText(node.in_flight)}, since ${secondsText(node.in_flight_seconds)}`,
          Replicas:
            replicas === undefined ? undefined : `${replicas.threads} of ${replicas.wanted} ${replicas.of}, ${replicas.restarts} restarts`,
          Done: countText(node.done),
          Dead: node.dead === 0 ? '0' : <a href={hrefTo(['dead-letters'], { agent: node.agent })}>{countText(node.dead)}</a>,
        }}
      />
      <Chart title="Handles" series={`agent ${group} handled`} text={perSecondText} />
      <Chart title="Lag" series={`agent ${group} lag`} text={countText} />
      <Around edges={graph.edges.filter(({ from, to }) => from.group === group || to.group === group)} />
      <p>
        <a href={hrefTo(['agents', node.agent])}>All versions of {node.agent}</a>
      </p>
      <Command text="millrace agents" />
    </>
  )
}

/** What flows in and out, as links to their tails. */
function Around({ edges }: { readonly edges: readonly Edge[] }): ComponentChildren {
  if (edges.length === 0) return null
  return (
    <ul class="around">
      {edges.map(edge => (
        <li key={edge.id}>
          <a href={flowHref(edgeParts(edge))}>{nameOf(edge)}</a>
        </li>
      ))}
    </ul>
  )
}
