import type { AuditAnswer, Audited } from '../../../api/session.ts'
import { useResource } from '../../live/resource.ts'
import { Command } from '../../parts/command.tsx'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { query, setQuery } from '../../router.ts'

const FEW = '100'
const MANY = '1000'

/** Every action on the operators' side, refused ones too, the newest first. */
export function AuditView() {
  const limit = query.value.get('limit') === MANY ? MANY : FEW
  const found = useResource<AuditAnswer>(`/v1/audit?limit=${limit}`, 5_000)
  return (
    <>
      <Show resource={found} what="the audit log">
        {({ actions }) =>
          actions.length === 0 ? (
            <Empty title="Nobody has changed anything yet">
              <p>Whoever replays, pauses, promotes or makes a key is written down here: who, from where, what, and what came of it.</p>
            </Empty>
          ) : (
            <>
              <Actions actions={actions} />
              {String(actions.length) === limit && limit === FEW && (
                <p class="dim">
                  The newest {FEW}.{' '}
                  <button type="button" class="quiet" onClick={() => setQuery({ limit: MANY })}>
                    Show {MANY}
                  </button>
                </p>
              )}
            </>
          )
        }
      </Show>
      <p>
        <Command text={`millrace audit${limit === FEW ? '' : ` --limit ${limit}`}`} />
      </p>
    </>
  )
}

function Actions({ actions }: { readonly actions: readonly Audited[] }) {
  return (
    <Table label="Audit log">
      <Columns of={['When', 'Who', 'Action', 'What', 'Answer', 'From']} />
      <tbody>
        {actions.map((action, index) => (
          <tr key={actions.length - index}>
            <td class="nowrap">
              <When at={action.at} />
            </td>
            <td class="nowrap">
              {action.user} <span class="dim">{action.role ?? ''}</span>
            </td>
            <td class="nowrap mono">{action.action}</td>
            <td class="wide">{action.what}</td>
            <td class="nowrap">
              <span class={`mark ${action.status < 400 ? 'good' : 'bad'}`}>
                {action.status < 400 ? 'done' : `refused (${action.status})`}
              </span>
            </td>
            <td class="nowrap dim">{action.from}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
