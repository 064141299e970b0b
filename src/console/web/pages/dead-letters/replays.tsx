import type { LetterReplay, LetterReplaysAnswer } from '../../../api/dead.ts'
import { useResource } from '../../live/resource.ts'
import { Command } from '../../parts/command.tsx'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { ReplayProgress } from './progress.tsx'

/** The replays of letters of this process, the newest first, those that run with how far they are. */
export function ReplaysView() {
  const found = useResource<LetterReplaysAnswer>('/v1/dead/replays', 3_000)
  return (
    <>
      <Show resource={found} what="replays">
        {({ replays }) =>
          replays.length === 0 ? (
            <Empty title="No replays since this process started">
              <p>Choose letters under “By failure”, and replay them here at a rate that their agent can bear.</p>
            </Empty>
          ) : (
            <Table label="Replays of letters">
              <Columns of={[{ number: 'Replay' }, 'Letters', 'How far', 'By', 'Started']} />
              <tbody>
                {replays.map(replay => (
                  <Replay key={replay.replay} replay={replay} />
                ))}
              </tbody>
            </Table>
          )
        }
      </Show>
      <p class="dim">Replays of data, and of letters by the command line, are listed by:</p>
      <p>
        <Command text="millrace replay list" />
      </p>
    </>
  )
}

function Replay({ replay }: { readonly replay: LetterReplay }) {
  return (
    <tr>
      <td class="number">{replay.replay}</td>
      <td class="wide">{replay.what}</td>
      <td>
        <ReplayProgress begun={replay} />
      </td>
      <td>{replay.by}</td>
      <td class="nowrap">
        <When at={replay.started} />
      </td>
    </tr>
  )
}
