import type { Fates, GivenAgain } from '../../agents/replay.ts'
import { ReplayLog, type ReplayPortion, type ReplayRecord } from '../../agents/replay-log.ts'
import { systemClock } from '../../clock.ts'
import type { EngineView } from '../../engine/engine.ts'
import { MillraceError } from '../../errors.ts'
import type { Shared } from '../command.ts'
import { operator } from '../dead/desk.ts'
import { askOperators, type Operators, operatorsOf } from '../operators.ts'
import { configOf, shared, withView } from '../view.ts'

/** Where a replay is asked for and put through. */
export interface ReplayDesk {
  readonly view: EngineView
  begin(asked: Pick<ReplayRecord, 'agent' | 'chosen' | 'perSecond'>): Promise<number>
  put(portion: ReplayPortion): Promise<GivenAgain>
  /** Dead letters, given by their numbers. @returns those that were taken. */
  putLetters(letters: readonly number[]): Promise<readonly number[]>
  /** @param fates of letters, which are put otherwise than data. */
  end(replay: number, complete: boolean, fates?: Fates): Promise<void>
}

/**
 * Through the running process, or on the stream that processes share.
 * @throws SERVER_UNREACHABLE where no process runs on the data directory: nobody would take what is put again.
 */
export async function withReplayDesk<T>(options: Shared, use: (desk: ReplayDesk) => Promise<T>): Promise<T> {
  const config = await configOf(options)
  if (config.connections !== undefined) {
    const engine = await shared(config)
    try {
      const log = new ReplayLog(engine, systemClock)
      return await use({
        view: engine,
        begin: ({ agent, chosen, perSecond }) => log.begin(agent, chosen, perSecond, operator()),
        put: portion => log.put(portion),
        putLetters: letters => engine.letters.replay(letters, operator()),
        end: (replay, complete, fates) => log.end(replay, complete, fates),
      })
    } finally {
      await engine.close()
    }
  }
  const operators = operatorsOf(config.data)
  if (operators !== undefined) return withView(options, view => use(running(view, operators)))
  // Says where there is no data directory at all.
  await withView(options, async () => undefined)
  throw new MillraceError('SERVER_UNREACHABLE', `No process runs on ${config.data}: nobody would take what is replayed.`, {
    fix: 'Start its pipeline first (millrace start …). --dry-run works without.',
  })
}

function running(view: EngineView, operators: Operators): ReplayDesk {
  return {
    view,
    async begin({ agent, chosen, perSecond }) {
      const body = { agent: agent.name, version: agent.version, by: operator(), what: chosen.words, ranges: chosen.ranges }
      const more = { ...(chosen.key === undefined ? {} : { key: chosen.key }), ...(Number.isFinite(perSecond) ? { rate: perSecond } : {}) }
      const { replay } = (await askOperators(operators, '/v1/replays', { ...body, ...more })) as { replay: number } // our own API
      return replay
    },
    async put({ number, range, ranges }) {
      const positions = ranges.map(({ first, end }) => [first, end])
      return (await askOperators(operators, `/v1/replays/${number}/data`, { range, positions })) as GivenAgain // our own API
    },
    async putLetters(letters) {
      const answer = await askOperators(operators, '/v1/dead/replay', { letters, by: operator() })
      return (answer as { replayed: number[] }).replayed // our own API
    },
    async end(replay, complete, fates) {
      await askOperators(operators, `/v1/replays/${replay}/end`, { complete, ...(fates === undefined ? {} : { fates }) })
    },
  }
}
