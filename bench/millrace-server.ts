/** Millrace as it runs for a user, with keys, receipts, limits, trace and metrics: `millrace-server.ts PIPELINE DIRECTORY [STREAM TRACE ROLE]`. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { addKey } from '../src/frontend/keys.ts'
import { resolveConfig } from '../src/runtime/config.ts'
import { runPipeline } from '../src/runtime/run.ts'
import { serve } from './child.ts'

const [file, directory, stream, trace, role] = process.argv.slice(2) as [string, string, string?, string?, string?]
mkdirSync(directory, { recursive: true })
const { key } = await addKey(join(directory, 'keys.json'), { source: 'bench', topics: '*' })
const flags = { listen: '127.0.0.1:0', ops: '127.0.0.1:0', attach: '127.0.0.1:0', data: directory, stream, trace, role }
const config = await resolveConfig({ flags, env: {} })
const began = performance.now()
const running = await runPipeline({ file, config })
const openMs = performance.now() - began

interface LedgerAnswer {
  readonly rows: readonly { readonly behind: number }[]
}

/** Resolves when no agent is behind. */
async function caughtUp(): Promise<void> {
  for (;;) {
    // The operators' own API, as a user would ask it.
    const { rows } = (await (await fetch(`${running.urls.ops}/v1/ledger`)).json()) as LedgerAnswer
    // Before the first look there is no row.
    if (rows.length > 0 && rows.every(row => row.behind === 0)) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const { listen, attach, ops } = running.urls
serve(
  { key, openMs, attach, ops, ...(listen === undefined ? {} : { port: Number(new URL(listen).port) }) },
  { caughtUp, rss: () => process.memoryUsage.rss() },
  () => running.stop(),
)
