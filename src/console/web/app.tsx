import type { ComponentChildren } from 'preact'
import { connection, overview, pipelineName } from './live/overview.ts'
import { session } from './live/session.ts'
import { LogIn } from './log-in.tsx'
import { AgentsPage } from './pages/agents/index.tsx'
import { DataPage } from './pages/data/index.tsx'
import { DeadLettersPage } from './pages/dead-letters/index.tsx'
import { FlowPage } from './pages/flow/index.tsx'
import { HealthPage } from './pages/health/index.tsx'
import { ProducersPage } from './pages/producers/index.tsx'
import { TopicsPage } from './pages/topics/index.tsx'
import { Said } from './parts/said.tsx'
import { Empty } from './parts/states.tsx'
import { hrefTo, path } from './router.ts'
import { chooseTheme, type Theme, theme } from './theme.ts'
import { Who } from './who.tsx'

interface View {
  readonly at: string
  readonly title: string
  page(rest: readonly string[]): ComponentChildren
}

/** The pages by the first part of their URL; what follows it is theirs. */
const VIEWS: readonly View[] = [
  { at: 'flow', title: 'Flow', page: rest => <FlowPage rest={rest} /> },
  { at: 'data', title: 'Data', page: rest => <DataPage rest={rest} /> },
  { at: 'topics', title: 'Topics', page: rest => <TopicsPage rest={rest} /> },
  { at: 'agents', title: 'Agents', page: rest => <AgentsPage rest={rest} /> },
  { at: 'dead-letters', title: 'Dead letters', page: rest => <DeadLettersPage rest={rest} /> },
  { at: 'producers', title: 'Producers', page: rest => <ProducersPage rest={rest} /> },
  { at: 'health', title: 'Health', page: rest => <HealthPage rest={rest} /> },
]

export function App() {
  const [at = 'flow', ...rest] = path.value
  const view = VIEWS.find(each => each.at === at)
  document.title = [view?.title ?? 'Not found', ...(pipelineName.value === undefined ? [] : [pipelineName.value]), 'Millrace'].join(' · ')
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Bar at={at} />
      <main id="main" tabIndex={-1}>
        <Page at={at} rest={rest} />
      </main>
      <Said />
    </>
  )
}

function Page({ at, rest }: { readonly at: string; readonly rest: readonly string[] }) {
  if (session.value === null) return <LogIn />
  return VIEWS.find(each => each.at === at)?.page(rest) ?? <Empty title={`There is no page ${at}`} />
}

function Bar({ at }: { readonly at: string }) {
  return (
    <header class="bar">
      <strong>{pipelineName.value ?? 'Millrace'}</strong>
      <nav aria-label="Pages">
        <ul>
          {VIEWS.map(view => (
            <li key={view.at}>
              <a href={hrefTo([view.at])} aria-current={view.at === at ? 'page' : undefined}>
                {view.title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <span class="spacer" />
      <Standing />
      <Who />
      <ThemeChoice />
    </header>
  )
}

/** Whether the process is ready, and whether what the page shows is of now. */
function Standing() {
  const now = overview.value
  if (session.value === null) return null
  if (connection.value === 'connecting') return <span class="mark">connecting…</span>
  if (connection.value === 'away') return <span class="mark bad">no answer since {new Date(now?.at ?? 0).toLocaleTimeString('en-GB')}</span>
  return now?.ready === true ? (
    <span class="mark good">ready</span>
  ) : (
    <a class="mark bad" href={hrefTo(['health'])}>
      not ready: {now?.reasons[0] ?? 'starting'}
    </a>
  )
}

function ThemeChoice() {
  return (
    <label>
      <span class="unseen">Theme</span>
      <select value={theme.value} onChange={event => chooseTheme(event.currentTarget.value as Theme)}>
        <option value="auto">system theme</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  )
}
