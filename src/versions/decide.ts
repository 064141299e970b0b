import type { Engine } from '../engine/engine.ts'
import { MillraceError } from '../errors.ts'
import type { Decision } from './decision.ts'
import { applied, type Versions } from './fold.ts'
import type { VersionLog } from './log.ts'
import { proposed, type Wish } from './proposed.ts'

/**
 * Decides what is wished, for every process of the pipeline: it holds from here on, and each follows within about a second.
 * @param by who wishes it. @param fits refuses, by throwing, what the graph that runs could not follow, where one does.
 * @throws AGENT_UNKNOWN, VERSION_REFUSED: nothing was decided; what the stream throws; what `fits` throws.
 */
export async function decide(
  engine: Pick<Engine, 'standings' | 'append' | 'ensure'>,
  log: VersionLog,
  wish: Wish,
  { by, atMs }: { readonly by: string; readonly atMs: number },
  fits: (before: Versions, after: Versions) => void = () => undefined,
): Promise<Decision> {
  // Decisions first: a place that was taken over since is one more reason, and one that was given back none.
  const versions = await log.read()
  const decision = proposed(wish, { standings: await engine.standings(), versions, by, atMs })
  fits(versions, applied(versions, decision, Number.MAX_SAFE_INTEGER))
  const refused = await log.append(engine, decision)
  if (refused === undefined) return decision
  throw new MillraceError('VERSION_REFUSED', `Somebody else was faster. ${refused}`, { fix: 'millrace agents shows how each is.' })
}
