import type { LetterReplay } from '../../../api/dead.ts'
import { post } from '../../live/api.ts'
import { useResource } from '../../live/resource.ts'
import { ChangeButton, useDoing } from '../../parts/action.tsx'
import { countText } from '../../parts/numbers.ts'
import { Failed } from '../../parts/states.tsx'

/** How far a replay is, looked at every second for as long as it runs. */
export function ReplayProgress({ begun }: { readonly begun: LetterReplay }) {
  const isOver = begun.state !== 'running'
  const { answer = begun, problem, reload } = useResource<LetterReplay>(isOver ? undefined : `/v1/dead/replays/${begun.replay}`, 1_000)
  const doing = useDoing()
  const cancel = async () => {
    await doing.run(async () => {
      await post<LetterReplay>(`/v1/dead/replays/${begun.replay}/cancel`)
      return `Replay ${begun.replay} is cancelled: what was not replayed is still dead.`
    })
    reload()
  }
  const { state, replayed, refused, total, reason } = answer
  return (
    <div class="progress">
      <p>
        <label>
          {replayWords(answer)}
          <progress max={Math.max(1, total)} value={state === 'complete' ? Math.max(1, total) : replayed + refused} />
        </label>
      </p>
      {refused > 0 && <p class="dim">{countText(refused)} were not dead any more when their turn came.</p>}
      {reason !== null && <p class="note bad">{reason} What was not replayed is still dead.</p>}
      {(doing.problem ?? problem) !== undefined && <Failed problem={(doing.problem ?? problem)!} />}
      {state === 'running' && (
        <ChangeButton busy={doing.busy} onClick={() => void cancel()}>
          Cancel the replay
        </ChangeButton>
      )}
    </div>
  )
}

export function replayWords({ state, replayed, total, rate }: LetterReplay): string {
  const of = `${countText(replayed)} of ${countText(total)} ${total === 1 ? 'letter' : 'letters'} replayed`
  if (state === 'running') return `${of}${rate === null ? '' : `, at most ${countText(rate)} a second`}…`
  return state === 'complete' ? `${of}.` : `${of}, then it ${state === 'cancelled' ? 'was cancelled' : 'failed'}.`
}
