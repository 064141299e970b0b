import { useState } from 'preact/hooks'
import type { Key, KeysAnswer, NewKey } from '../../../api/producers.ts'
import { post } from '../../live/api.ts'
import { useResource } from '../../live/resource.ts'
import { Changes, Confirmed } from '../../parts/action.tsx'
import { agoText } from '../../parts/ago.ts'
import { Command } from '../../parts/command.tsx'
import { Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo } from '../../router.ts'
import { isOver, sortedKeys, topicsText } from './key-words.ts'
import { MakeKey } from './make-key.tsx'
import { RotateKey } from './rotate-key.tsx'
import { Secret } from './secret.tsx'

/** The producers' keys: what there are, without their secrets. */
export function KeysView() {
  const found = useResource<KeysAnswer>('/v1/keys', 5_000)
  const [made, setMade] = useState<NewKey>()
  const show = (key: NewKey) => {
    setMade(key)
    found.reload()
  }
  return (
    <>
      <Changes>
        <MakeKey onMade={show} />
      </Changes>
      <Secret made={made} onClose={() => setMade(undefined)} />
      <Show resource={found} what="the keys">
        {({ keyless, keys }) => (
          <>
            {keyless && (
              <p class="note">
                No key was ever made: every program on this machine may send, and the front end listens on this machine only. The first key
                ends that.
              </p>
            )}
            {!keyless && !keys.some(key => !isOver(key, Date.now())) && (
              <p class="note warn">No key is valid: nobody may send. Make one.</p>
            )}
            {keys.length > 0 && <Keys keys={keys} show={show} reload={found.reload} />}
          </>
        )}
      </Show>
      <p>
        <Command text="millrace keys list" />
      </p>
    </>
  )
}

function Keys({ keys, show, reload }: { readonly keys: readonly Key[]; show(made: NewKey): void; reload(): void }) {
  return (
    <Table label="Keys">
      <Columns of={['Key', 'Source', 'Topics', 'Made', 'Ends', 'Source last seen', { unseen: 'Actions' }]} />
      <tbody>
        {sortedKeys(keys, Date.now()).map(key => (
          <Row key={key.id} of={key} show={show} reload={reload} />
        ))}
      </tbody>
    </Table>
  )
}

function Row({ of: key, show, reload }: { readonly of: Key; show(made: NewKey): void; reload(): void }) {
  const over = isOver(key, Date.now())
  return (
    <tr class={over ? 'over' : undefined}>
      <td class="nowrap">
        <code>{key.id}</code>
        {key.rotates !== null && <div class="dim">rotates {key.rotates}</div>}
      </td>
      <td class="wide">
        <a href={hrefTo(['producers', 'source', key.source])}>{key.source}</a>
      </td>
      <td class="wide">{topicsText(key.topics)}</td>
      <td class="nowrap">
        <When at={key.created} />
      </td>
      <td class="nowrap">
        <Ends of={key} />
      </td>
      <td class="nowrap">{key.last_seen === null ? '–' : agoText(Date.now() - Date.parse(key.last_seen))}</td>
      <td class="nowrap">{!over && <Doings of={key} show={show} reload={reload} />}</td>
    </tr>
  )
}

function Ends({ of: { expires, revoked } }: { readonly of: Key }) {
  if (revoked !== null) {
    return (
      <>
        <span class="mark">revoked</span> <When at={revoked} />
      </>
    )
  }
  if (expires === null) return <>never</>
  return Date.parse(expires) <= Date.now() ? (
    <>
      <span class="mark">expired</span> <When at={expires} />
    </>
  ) : (
    <When at={expires} />
  )
}

function Doings({ of: key, show, reload }: { readonly of: Key; show(made: NewKey): void; reload(): void }) {
  return (
    <span class="changes tight">
      <RotateKey of={key} onMade={show} />
      <Confirmed
        verb="Revoke"
        kind="danger"
        title={`Revoke the key ${key.id}?`}
        command={`millrace keys revoke ${key.id}`}
        act={async () => {
          await post<Key>(`/v1/keys/${encodeURIComponent(key.id)}/revoke`)
          return `The key ${key.id} is revoked.`
        }}
        onDone={reload}
      >
        <p>
          What {key.source} sends with it is refused within a second, and nothing brings the key back. To change it without a gap, rotate
          it.
        </p>
      </Confirmed>
    </span>
  )
}
