import { type DecisionAnswer, decisionToJson } from '../console/routes/versions.ts'
import { decide } from '../versions/decide.ts'
import { VersionLog } from '../versions/log.ts'
import type { Wish } from '../versions/proposed.ts'
import type { Shared } from './command.ts'
import { openAtRest, operator } from './dead/desk.ts'
import { askOperators, operatorsOf } from './operators.ts'
import { configOf, shared } from './view.ts'

/**
 * Decides by the running process where there is one, else in the stream itself. Who did it is recorded.
 * @returns also whether a process was there to be asked, or shares the stream: else it is followed at the next start.
 */
export async function decideFor(options: Shared, wish: Wish): Promise<{ readonly answer: DecisionAnswer; readonly atRest: boolean }> {
  const config = await configOf(options)
  const operators = config.connections === undefined ? operatorsOf(config.data) : undefined
  const by = operator()
  if (operators !== undefined) {
    // Our own API: docs/instrumentation.md.
    return { answer: (await askOperators(operators, pathOf(wish), { ...bodyOf(wish), by })) as DecisionAnswer, atRest: false }
  }
  const engine = config.connections === undefined ? await openAtRest(config) : await shared(config)
  try {
    const decision = await decide(engine, new VersionLog(engine), wish, { by, atMs: Date.now() })
    return { answer: decisionToJson(decision), atRest: config.connections === undefined }
  } finally {
    await engine.close()
  }
}

function pathOf({ kind }: Wish): string {
  if (kind === 'pause' || kind === 'resume') return `/v1/agents/${kind}`
  return `/v1/versions/${kind === 'recommission' ? 'decommission' : kind}`
}

function bodyOf(wish: Wish): object {
  const { kind, ...rest } = wish
  return kind === 'recommission' ? { ...rest, undo: true } : rest
}
