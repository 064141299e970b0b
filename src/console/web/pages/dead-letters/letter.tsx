import { useEffect, useState } from 'preact/hooks'
import type { DiscardedAnswer, ReplayedAnswer, ShownLetter } from '../../../api/dead.ts'
import { ApiProblem, post } from '../../live/api.ts'
import { useResource } from '../../live/resource.ts'
import { Changes, Confirmed } from '../../parts/action.tsx'
import { Box } from '../../parts/box.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo } from '../../router.ts'
import { textOf } from './datum-text.ts'
import { Editor } from './editor.tsx'
import { LetterState } from './letters.tsx'

/** What was replayed is looked at until its agent has said what came of it. */
const EVERY_MS = 2_000

/** One letter with all there is to see of it: why, where, its datum, and what may be done. */
export function LetterPage({ number }: { readonly number: number }) {
  const [isOnItsWay, setOnItsWay] = useState(false)
  const found = useResource<ShownLetter>(`/v1/dead/${number}`, isOnItsWay ? EVERY_MS : undefined)
  const state = found.answer?.state
  useEffect(() => setOnItsWay(state === 'replayed'), [state])
  return (
    <>
      <Crumbs up={[{ parts: ['dead-letters'], title: 'Dead letters' }]} title={`Letter ${number}`} />
      <Show resource={found} what={`letter ${number}`}>
        {letter => <Shown key={number} letter={letter} reload={found.reload} />}
      </Show>
    </>
  )
}

function Shown({ letter, reload }: { readonly letter: ShownLetter; reload(): void }) {
  const { datum, error } = letter
  return (
    <>
      <h1>
        Letter {letter.letter} <LetterState state={letter.state} />
      </h1>
      <p class="lead">
        <span class="mono">{error.code ?? error.name}</span> {error.message}
      </p>
      <Facts
        of={{
          Agent: (
            <a href={hrefTo(['agents', letter.agent])}>
              {letter.agent}@{letter.version}
            </a>
          ),
          Datum: (
            <a class="mono" href={hrefTo(['data', letter.data_id])}>
              {letter.data_id}
            </a>
          ),
          From: (
            <>
              {letter.topic} · partition {letter.partition} · offset {letter.offset}
            </>
          ),
          Source: datum?.source,
          Key: datum?.key ?? undefined,
          Attempts: letter.attempts,
          Died: <When at={letter.at} />,
          Replayed: letter.replayed === null ? undefined : <When at={letter.replayed} />,
          Replays: letter.replays === 0 ? undefined : letter.replays,
          Edited:
            letter.edited === null ? undefined : (
              <>
                {letter.edited.times} × by {letter.edited.by}, last <When at={letter.edited.at} />
              </>
            ),
          Group: <a href={hrefTo(['dead-letters', 'groups', letter.fingerprint])}>{letter.fingerprint}</a>,
        }}
      />
      {letter.state === 'dead' && <Doings letter={letter} reload={reload} />}
      <h2>Datum</h2>
      {datum === null ? (
        <p class="note">The datum is gone: it is kept with a letter until that expires or is discarded.</p>
      ) : (
        <Editor letter={letter} datum={datum} reload={reload} />
      )}
      {letter.original !== undefined && letter.original !== null && (
        <details>
          <summary>As it died, before it was edited</summary>
          <Box text={textOf(letter.original)} label="The datum as it died" />
        </details>
      )}
      {letter.stack !== null && (
        <>
          <h2>Stack</h2>
          <Box text={letter.stack} label="Stack" />
        </>
      )}
      <p>
        <Command text={`millrace dead show ${letter.letter}`} />
      </p>
    </>
  )
}

/** The letter itself: give its datum to the agent again, or give it up. */
function Doings({ letter: { letter, agent }, reload }: { readonly letter: ShownLetter; reload(): void }) {
  return (
    <Changes>
      <Confirmed
        verb="Replay"
        kind="primary"
        title={`Replay letter ${letter}?`}
        command={`millrace dead replay ${letter}`}
        act={async () => {
          const { replayed } = await post<ReplayedAnswer>('/v1/dead/replay', { letters: [letter] })
          if (replayed.length === 0) throw notDead(letter)
          return `Letter ${letter} is on its way to ${agent}.`
        }}
        onDone={reload}
      >
        <p>Its datum, as it stands below, is given to {agent} again beside its live data. What fails again is dead again.</p>
      </Confirmed>
      <Confirmed
        verb="Discard"
        kind="danger"
        title={`Discard letter ${letter}?`}
        command={`millrace dead discard ${letter}`}
        act={async () => {
          const { discarded } = await post<DiscardedAnswer>('/v1/dead/discard', { letters: [letter] })
          if (discarded.length === 0) throw notDead(letter)
          return `Letter ${letter} is discarded.`
        }}
        onDone={reload}
      >
        <p>Its datum is given up for good: {agent} will never handle it, and nothing brings it back.</p>
      </Confirmed>
    </Changes>
  )
}

function notDead(letter: number): ApiProblem {
  return new ApiProblem(409, 'LETTER_UNKNOWN', `Letter ${letter} is not dead any more: somebody else has replayed or discarded it.`)
}
