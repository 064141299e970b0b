import { render } from 'preact'
import { App } from './app.tsx'
import './style/theme.css'
import './style/layout.css'
import './style/parts.css'
import './style/ops.css'
import './style/producers.css'
import './style/agents.css'
import './style/flow.css'
import './style/data.css'
import { askSession } from './live/api.ts'
import { startOverview } from './live/overview.ts'
import { startRouter } from './router.ts'
import { applyTheme } from './theme.ts'

applyTheme()
startRouter()
void askSession()
startOverview()
render(<App />, document.getElementById('app')!)
