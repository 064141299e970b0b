import { useState } from 'preact/hooks'
import type { Letter, LettersAnswer } from '../../../api/dead.ts'
import { useResource } from '../../live/resource.ts'
import { Command } from '../../parts/command.tsx'
import { Field } from '../../parts/field.tsx'
import { countText } from '../../parts/numbers.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo, query, setQuery } from '../../router.ts'
import { askedOf, filterIn, flagsOf, type LetterFilter } from './filter.ts'
import { FilterForm } from './filter-form.tsx'

const STATES = {
  dead: 'dead: waits for a person',
  replayed: 'replayed: on its way to the agent',
  done: 'done: a replay has succeeded',
  discarded: 'discarded: given up by a person',
  expired: 'expired: nobody came to it in time',
  any: 'any state',
}
const FEW = 100
/** What the listener answers at most. */
const MANY = 500

/** Letters one by one, the newest first, in any state. */
export function LettersView() {
  const filter = filterIn(query.value)
  const state = query.value.get('state') ?? 'dead'
  return (
    <>
      <FilterForm filter={filter}>
        <Field label="State">
          <select value={state} onChange={event => setQuery({ state: event.currentTarget.value })}>
            {Object.entries(STATES).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </Field>
      </FilterForm>
      <LetterList filter={filter} state={state} />
      <p>
        <Command text={`millrace dead list${flagsOf(filter)}${state === 'dead' ? '' : ` --state ${state}`}`} />
      </p>
    </>
  )
}

/** @param total how many there are, where that is known: what is left out is said. */
export function LetterList({ filter, state, total }: { readonly filter: LetterFilter; readonly state: string; readonly total?: number }) {
  const [limit, setLimit] = useState(FEW)
  const asked = askedOf(filter, { limit: String(limit), state: state === 'any' ? '' : state })
  const found = useResource<LettersAnswer>(`/v1/dead?${asked}`, 10_000)
  return (
    <Show resource={found} what="letters">
      {({ letters }) =>
        letters.length === 0 ? (
          <Empty title="No such letters">{state !== 'any' && <p>None is {state} now.</p>}</Empty>
        ) : (
          <>
            <LetterTable letters={letters} />
            {letters.length === limit && letters.length !== total && (
              <p class="dim">
                The newest {countText(limit)}
                {total === undefined ? '' : ` of ${countText(total)}`}.{' '}
                {limit < MANY ? (
                  <button type="button" class="quiet" onClick={() => setLimit(MANY)}>
                    Show {MANY}
                  </button>
                ) : (
                  'Narrow by agent, topic or reason to see others.'
                )}
              </p>
            )}
          </>
        )
      }
    </Show>
  )
}

function LetterTable({ letters }: { readonly letters: readonly Letter[] }) {
  return (
    <Table label="Letters">
      <Columns of={[{ number: 'Letter' }, 'State', 'Reason', 'Agent', 'Datum', { number: 'Attempts' }, 'Died']} />
      <tbody>
        {letters.map(letter => (
          <tr key={letter.letter}>
            <td class="number">
              <a href={hrefTo(['dead-letters', String(letter.letter)])}>{letter.letter}</a>
            </td>
            <td class="nowrap">
              <LetterState state={letter.state} />
              {letter.edited !== null && <span class="mark">edited</span>}
            </td>
            <td class="wide">
              <span class="mono">{letter.error.code ?? letter.error.name}</span> {letter.error.message}
            </td>
            <td class="nowrap">
              {letter.agent}@{letter.version}
            </td>
            <td class="nowrap">
              <a class="mono" href={hrefTo(['data', letter.data_id])}>
                {letter.data_id}
              </a>
            </td>
            <td class="number">{letter.attempts}</td>
            <td class="nowrap">
              <When at={letter.at} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

const TONES = { dead: 'bad', replayed: 'warn', done: 'good', discarded: '', expired: 'warn' } as const

export function LetterState({ state }: { readonly state: Letter['state'] }) {
  return <span class={`mark ${TONES[state]}`}>{state}</span>
}
