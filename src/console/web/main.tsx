import { render } from 'preact'
import { App } from './app.tsx'
import './style/theme.css'
import './style/layout.css'
import './style/parts.css'
import './style/flow.css'
import { startOverview } from './live/overview.ts'
import { startRouter } from './router.ts'
import { applyTheme } from './theme.ts'

applyTheme()
startRouter()
startOverview()
render(<App />, document.getElementById('app')!)
