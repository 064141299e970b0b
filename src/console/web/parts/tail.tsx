import { useState } from 'preact/hooks'
import type { ShownDatum } from '../../api/topics.ts'
import { type Tail, useTail } from '../live/tail.ts'
import { hrefTo } from '../router.ts'
import { Command } from './command.tsx'
import { tapCommand } from './commands.ts'
import { countText } from './numbers.ts'
import { payloadText } from './payload.ts'
import { Failed, Loading } from './states.tsx'
import { shareText } from './tail-text.ts'

/** The live tail of a topic: the newest datum first, what is left out beside it. */
export function TailView({
  topic,
  from = 'latest',
  where = [],
}: {
  readonly topic: string
  readonly from?: string
  readonly where?: readonly string[]
}) {
  const [paused, setPaused] = useState(false)
  const tail = useTail(topic, { from, where, paused })
  return (
    <section class="tail" aria-label={`Live tail of ${topic}`}>
      <div class="row">
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? 'Go on' : 'Pause'}
        </button>
        <span class="dim">{standingText(tail, paused, where.length > 0)}</span>
      </div>
      <Command text={tapCommand(topic, from, where)} />
      {tail.problem !== undefined && <Failed problem={tail.problem} />}
      {tail.data.length === 0 && tail.problem === undefined && <Waiting tail={tail} topic={topic} />}
      <ol>
        {tail.data.map(datum => (
          <DatumLine key={`${datum.partition}/${datum.offset}`} datum={datum} />
        ))}
      </ol>
    </section>
  )
}

function Waiting({ tail, topic }: { readonly tail: Tail; readonly topic: string }) {
  if (tail.state === 'connecting') return <Loading what={`the tail of ${topic}`} />
  return (
    <p class="state">
      {tail.count !== undefined && tail.count.seen > 0 ? 'Data go by, and none matches.' : 'Nothing has come since this tail began.'}
    </p>
  )
}

/** One datum in two lines: where and when, and what. */
function DatumLine({ datum }: { readonly datum: ShownDatum }) {
  return (
    <li>
      <span class="dim">
        <time dateTime={datum.appended}>{clockText(datum.appended)}</time> · {datum.partition}/{datum.offset}
        {datum.key !== null && <> · {datum.key}</>} · <a href={hrefTo(['data', datum.data_id])}>{datum.data_id}</a>
      </span>
      <code>{payloadText(datum)}</code>
    </li>
  )
}

/** With its milliseconds: many come in one second. */
function clockText(time: string): string {
  return `${new Date(time).toLocaleTimeString('en-GB')}.${time.slice(20, 23)}`
}

function standingText({ state, count, missed }: Tail, paused: boolean, filtered: boolean): string {
  if (state === 'away') return 'broken off; tries again by itself'
  if (paused) return `paused; ${countText(missed)} went by`
  return count === undefined ? '' : shareText(count, filtered)
}
