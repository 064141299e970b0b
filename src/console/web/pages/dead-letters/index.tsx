import { overview } from '../../live/overview.ts'
import { Empty } from '../../parts/states.tsx'
import { SubNav } from '../../parts/subnav.tsx'
import { GroupPage } from './group.tsx'
import { GroupsView } from './groups.tsx'
import { LetterPage } from './letter.tsx'
import { LettersView } from './letters.tsx'
import { ReplaysView } from './replays.tsx'

/** Data that an agent could not handle: by how they failed, one by one, and what is being done about them. */
export function DeadLettersPage({ rest }: { readonly rest: readonly string[] }) {
  const [view = 'groups', which] = rest
  if (view === 'groups' && which !== undefined) return <GroupPage fingerprint={which} />
  if (/^\d+$/.test(view)) return <LetterPage number={Number(view)} />
  return (
    <>
      <h1>Dead letters</h1>
      <SubNav
        label="Dead letters"
        at={view}
        views={[
          { at: 'groups', parts: ['dead-letters'], title: 'By failure' },
          { at: 'letters', parts: ['dead-letters', 'letters'], title: 'Letters', count: overview.value?.dead_letters },
          { at: 'replays', parts: ['dead-letters', 'replays'], title: 'Replays' },
        ]}
      />
      {view === 'groups' && <GroupsView />}
      {view === 'letters' && <LettersView />}
      {view === 'replays' && <ReplaysView />}
      {!['groups', 'letters', 'replays'].includes(view) && <Empty title={`There is no view ${view} of dead letters`} />}
    </>
  )
}
