import { Empty } from '../../parts/states.tsx'
import { SubNav } from '../../parts/subnav.tsx'
import { KeysView } from './keys.tsx'
import { ProducerPage } from './producer.tsx'
import { ProducersView } from './producers.tsx'

/** Who sends, what became of it, and by which keys they may. */
export function ProducersPage({ rest }: { readonly rest: readonly string[] }) {
  const [view = 'seen', which] = rest
  if (view === 'source' && which !== undefined) return <ProducerPage source={which} />
  return (
    <>
      <h1>Producers</h1>
      <SubNav
        label="Producers"
        at={view}
        views={[
          { at: 'seen', parts: ['producers'], title: 'Seen' },
          { at: 'keys', parts: ['producers', 'keys'], title: 'Keys' },
        ]}
      />
      {view === 'seen' && <ProducersView />}
      {view === 'keys' && <KeysView />}
      {!['seen', 'keys'].includes(view) && <Empty title={`There is no view ${view} of producers`} />}
    </>
  )
}
