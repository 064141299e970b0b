import type { AgentNode } from '../../../api/overview.ts'
import { overview } from '../../live/overview.ts'
import { shownGroup } from '../../parts/agent-names.ts'
import { Command } from '../../parts/command.tsx'
import { Field } from '../../parts/field.tsx'
import { countText, percentText, perSecondText, secondsText } from '../../parts/numbers.ts'
import { Share } from '../../parts/share.tsx'
import { Empty, Loading } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo, query, setQuery } from '../../router.ts'
import { CONDITIONS, conditionOf, lagOf, lagText, toneOf } from './conditions.ts'

const BUSY = 0.9

/** Every version of every agent, by how it is: what needs attention first. */
export function AgentsView() {
  const now = overview.value
  return (
    <>
      <h1>Agents</h1>
      {now === undefined ? <Loading what="the agents" /> : <Agents agents={Object.entries(now.agents)} />}
      <p>
        <Command text="millrace agents" />
      </p>
    </>
  )
}

function Agents({ agents }: { readonly agents: readonly (readonly [string, AgentNode])[] }) {
  const name = query.value.get('name') ?? ''
  const shown = agents.filter(([group]) => group.toLowerCase().includes(name.toLowerCase()))
  if (agents.length === 0) {
    return (
      <Empty title="The pipeline has no agents">
        <p>Declare one in its file; it is here as soon as that is saved.</p>
      </Empty>
    )
  }
  return (
    <>
      {(agents.length > 12 || name !== '') && (
        <search class="filter">
          <Field label="Name contains">
            <input type="search" value={name} placeholder="any" onInput={event => setQuery({ name: event.currentTarget.value })} />
          </Field>
        </search>
      )}
      {shown.length === 0 && <Empty title={`No agent has “${name}” in its name`} />}
      {CONDITIONS.map(({ condition, title }) => (
        <Group key={condition} title={title} agents={shown.filter(([, agent]) => conditionOf(agent) === condition)} />
      ))}
    </>
  )
}

function Group({ title, agents }: { readonly title: string; readonly agents: readonly (readonly [string, AgentNode])[] }) {
  if (agents.length === 0) return null
  return (
    <section>
      <h2>
        {title} <span class="dim">{agents.length}</span>
      </h2>
      <Table label={title}>
        <Columns
          of={[
            'Agent',
            'State',
            { number: 'Rate' },
            { number: 'p50' },
            { number: 'p99' },
            { number: 'Busy' },
            { number: 'Lag' },
            { number: 'In flight' },
            { number: 'Replicas' },
            { number: 'Dead' },
          ]}
        />
        <tbody>
          {agents.map(([group, agent]) => (
            <Row key={group} group={group} agent={agent} />
          ))}
        </tbody>
      </Table>
    </section>
  )
}

function Row({ group, agent }: { readonly group: string; readonly agent: AgentNode }) {
  const { tone, word } = toneOf(agent)
  const { diagnosis, replicas, handler_seconds: took } = agent
  const isWell = diagnosis === undefined || diagnosis.state === 'healthy'
  return (
    <tr>
      <td class="nowrap">
        <a href={hrefTo(['agents', agent.agent])}>{shownGroup(group).shown}</a>
        {agent.kind === 'storage-agent' && <div class="dim">storage agent</div>}
        {agent.ramp !== undefined && <div class="dim">gets {percentText(agent.ramp)} of the keys</div>}
      </td>
      <td class="wide">
        <span class={`mark ${tone}`}>{word}</span> {!isWell && <span class="dim">{diagnosis.words}</span>}
      </td>
      <td class="number">{perSecondText(agent.handled_per_second)}</td>
      <td class="number">{secondsText(took.p50 ?? null)}</td>
      <td class="number">{secondsText(took.p99 ?? null)}</td>
      <td class="number">
        {percentText(agent.busy)}
        <Share of={agent.busy} tone={agent.busy > BUSY ? 'warn' : ''} label="of its replicas’ time in its handler" />
      </td>
      <td class="number">{lagText(lagOf(agent), { count: countText, seconds: secondsText })}</td>
      <td class="number">{agent.in_flight === 0 ? '–' : `${countText(agent.in_flight)}, ${secondsText(agent.in_flight_seconds)}`}</td>
      <td class="number">{replicas === undefined ? '–' : `${replicas.threads} of ${replicas.wanted}`}</td>
      <td class="number">
        {agent.dead === 0 ? (
          '0'
        ) : (
          <a href={hrefTo(['dead-letters'], { agent: `${agent.agent}@${agent.version}` })}>{countText(agent.dead)}</a>
        )}
      </td>
    </tr>
  )
}
