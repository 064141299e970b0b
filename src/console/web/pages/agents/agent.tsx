import type { AgentAnswer } from '../../../api/agents.ts'
import { useResource } from '../../live/resource.ts'
import { Command } from '../../parts/command.tsx'
import { shellWord } from '../../parts/shell.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { Comparison } from './comparison.tsx'
import { conditionOf } from './conditions.ts'
import { Earlier } from './earlier.tsx'
import { VersionCard } from './version.tsx'

/** One agent: its versions side by side, and what their outputs differ in. */
export function AgentPage({ name }: { readonly name: string }) {
  const found = useResource<AgentAnswer>(`/v1/agents/${encodeURIComponent(name)}`, 2_000)
  return (
    <>
      <Crumbs up={[{ parts: ['agents'], title: 'Agents' }]} title={name} />
      <h1>{name}</h1>
      <Show resource={found} what={`the agent ${name}`}>
        {({ versions }) => <Versions versions={versions} reload={found.reload} />}
      </Show>
      <p>
        <Command text={`millrace agents ${shellWord(name)}`} />
      </p>
    </>
  )
}

/** Those that are at work, or could be, each in its card; those that are over in a line each. */
function Versions({ versions, reload }: { readonly versions: AgentAnswer['versions']; reload(): void }) {
  const groups = versions.map(({ group }) => group)
  const current = versions.filter(version => conditionOf(version) !== 'over')
  const earlier = versions.filter(version => conditionOf(version) === 'over')
  return (
    <>
      {current.length === 0 && <Empty title="No version of it is in the pipeline" />}
      <div class="side-by-side">
        {current.map(version => (
          <VersionCard key={version.group} of={version} groups={groups} reload={reload} />
        ))}
      </div>
      {earlier.length > 0 && <Earlier versions={earlier} groups={groups} reload={reload} />}
      {versions.length > 1 && <Comparison versions={[...current, ...earlier]} />}
    </>
  )
}
