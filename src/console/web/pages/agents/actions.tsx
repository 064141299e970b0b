import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { post } from '../../live/api.ts'
import { Changes, Confirmed } from '../../parts/action.tsx'
import { shownGroup, typedAmong } from '../../parts/agent-names.ts'
import { Field } from '../../parts/field.tsx'
import { percentText } from '../../parts/numbers.ts'
import type { Version } from './version.tsx'

/** What may be done with a version now. Each asks first, saying what will happen. */
export function VersionActions({
  of: version,
  groups,
  reload,
}: {
  readonly of: Version
  /** Of all versions of the agent. */
  readonly groups: readonly string[]
  reload(): void
}) {
  const typed = typedAmong(version.group, groups)
  // A promotion is of the shadow, whatever else has its name.
  const promoted = shownGroup(version.group).typed
  const may = new Set(version.actions)
  // The place stays, so that the cards beside it keep their rows.
  if (may.size === 0) return <div />
  return (
    <Changes>
      {may.has('pause') && (
        <Simple
          verb="Pause"
          path="/v1/agents/pause"
          agent={typed}
          command={`millrace pause ${typed}`}
          said={`${typed} is paused.`}
          reload={reload}
        >
          It finishes what it has in hand and takes nothing more, in every process. What comes waits for it in its topics, for as long as
          they keep it, until somebody resumes it.
        </Simple>
      )}
      {may.has('resume') && (
        <Simple
          verb="Resume"
          kind="primary"
          path="/v1/agents/resume"
          agent={typed}
          command={`millrace resume ${typed}`}
          said={`${typed} goes on.`}
          reload={reload}
        >
          It goes on from its place, in every process: what has waited is handled first.
        </Simple>
      )}
      {may.has('promote') && (
        <Simple
          verb="Promote"
          kind="primary"
          path="/v1/versions/promote"
          agent={promoted}
          command={`millrace promote ${promoted}`}
          said={`${promoted} takes over.`}
          reload={reload}
        >
          It takes over the live version’s place and writes to the live topics; the live version and the shadow end. This is for good: the
          way back is a version after it.
        </Simple>
      )}
      {may.has('ramp') && <Ramp of={version} typed={typed} reload={reload} />}
      {may.has('decommission') && <Decommission of={version} typed={typed} reload={reload} />}
      {may.has('recommission') && (
        <Simple
          verb="Recommission"
          kind="primary"
          path="/v1/versions/decommission"
          body={{ undo: true }}
          agent={typed}
          command={`millrace decommission ${typed} --undo`}
          said={`${typed} goes on from its place.`}
          reload={reload}
        >
          It goes on from the place where it ended.
        </Simple>
      )}
    </Changes>
  )
}

function Simple({
  verb,
  kind = '',
  path,
  body = {},
  agent,
  command,
  said,
  reload,
  children,
}: {
  readonly verb: string
  readonly kind?: 'primary' | 'danger' | ''
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  readonly agent: string
  readonly command: string
  readonly said: string
  reload(): void
  readonly children: ComponentChildren
}) {
  return (
    <Confirmed
      verb={verb}
      kind={kind}
      title={`${verb} ${agent}?`}
      command={command}
      act={async () => {
        await post<unknown>(path, { agent, ...body })
        return said
      }}
      onDone={reload}
    >
      <p>{children}</p>
    </Confirmed>
  )
}

/** One that is draining already can be ended with what it has in hand. */
function Decommission({ of: { state }, typed, reload }: { readonly of: Version; readonly typed: string; reload(): void }) {
  const now = state === 'draining'
  return (
    <Simple
      verb={now ? 'End now' : 'Decommission'}
      kind="danger"
      path="/v1/versions/decommission"
      body={{ now }}
      agent={typed}
      command={`millrace decommission ${typed}${now ? ' --now' : ''}`}
      said={now ? `${typed} ends.` : `${typed} handles what was accepted until now, then it ends.`}
      reload={reload}
    >
      {now
        ? 'It ends with what it has in hand: what it has not handled by then it does not handle.'
        : 'It handles what was accepted until now, then it ends: data that come later are not handled by it.'}{' '}
      Its place is kept, and it can be let go on from there.
    </Simple>
  )
}

/** The share of the keys that a version gets of the one that it is to replace. */
function Ramp({ of: { ramp }, typed, reload }: { readonly of: Version; readonly typed: string; reload(): void }) {
  const [share, setShare] = useState(ramp ?? 0)
  return (
    <Confirmed
      verb="Ramp"
      title={`How much does ${typed} get?`}
      command={`millrace ramp ${typed} ${share}`}
      act={async () => {
        await post<unknown>('/v1/versions/ramp', { agent: typed, share })
        return `${typed} gets ${percentText(share)} of the keys.`
      }}
      onDone={reload}
    >
      <p>
        Each key is worked on by one of the two versions; a key that this one has once it keeps as long as the share grows. The agent pauses
        shortly for the change.
      </p>
      <Field label="Share of the keys" note={percentText(share)}>
        <input type="range" min="0" max="1" step="0.01" value={share} onInput={event => setShare(Number(event.currentTarget.value))} />
      </Field>
    </Confirmed>
  )
}
