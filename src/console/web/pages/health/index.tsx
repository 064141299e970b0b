import { overview } from '../../live/overview.ts'
import { Empty } from '../../parts/states.tsx'
import { SubNav } from '../../parts/subnav.tsx'
import { AdviceView } from './advice.tsx'
import { AuditView } from './audit.tsx'
import { LedgerView } from './ledger.tsx'
import { StandingView } from './standing.tsx'

/** Whether all is well, whether anything is missing, what to scale, and who did what. */
export function HealthPage({ rest }: { readonly rest: readonly string[] }) {
  const [view = 'now'] = rest
  return (
    <>
      <h1>Health</h1>
      <SubNav
        label="Health"
        at={view}
        views={[
          { at: 'now', parts: ['health'], title: 'Now' },
          { at: 'advice', parts: ['health', 'advice'], title: 'Advice', count: overview.value?.advice },
          { at: 'ledger', parts: ['health', 'ledger'], title: 'Ledger' },
          { at: 'audit', parts: ['health', 'audit'], title: 'Audit log' },
        ]}
      />
      {view === 'now' && <StandingView />}
      {view === 'advice' && <AdviceView />}
      {view === 'ledger' && <LedgerView />}
      {view === 'audit' && <AuditView />}
      {!['now', 'advice', 'ledger', 'audit'].includes(view) && <Empty title={`There is no view ${view} of health`} />}
    </>
  )
}
