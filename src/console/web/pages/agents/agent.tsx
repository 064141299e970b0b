import type { AgentAnswer } from '../../../api/agents.ts'
import { useResource } from '../../live/resource.ts'
import { Command } from '../../parts/command.tsx'
import { shellWord } from '../../parts/shell.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { Comparison } from './comparison.tsx'
import { VersionCard } from './version.tsx'

/** One agent: its versions side by side, and what their outputs differ in. */
export function AgentPage({ name }: { readonly name: string }) {
  const found = useResource<AgentAnswer>(`/v1/agents/${encodeURIComponent(name)}`, 2_000)
  return (
    <>
      <Crumbs up={[{ parts: ['agents'], title: 'Agents' }]} title={name} />
      <h1>{name}</h1>
      <Show resource={found} what={`the agent ${name}`}>
        {({ versions }) => (
          <>
            {versions.length === 0 && <Empty title={`${name} has no version, and no place in a topic`} />}
            <div class="side-by-side">
              {versions.map(version => (
                <VersionCard key={version.group} of={version} reload={found.reload} />
              ))}
            </div>
            {versions.length > 1 && <Comparison versions={versions} />}
          </>
        )}
      </Show>
      <p>
        <Command text={`millrace agents ${shellWord(name)}`} />
      </p>
    </>
  )
}
