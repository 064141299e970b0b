import type { FastifyInstance } from 'fastify'
import type { LetterCount } from '../../agents/dead-letter.ts'
import { Broadcast } from '../live/broadcast.ts'
import { overviewOf } from '../live/overview.ts'
import type { OpsContext } from '../server.ts'

/** Somebody has asked the engine less than so long ago: that is young enough. */
const MAX_AGE_MS = 500
/** Letters are counted anew when more have died, and else not more often: there may be a million. */
const COUNTS_MAX_AGE_MS = 5_000

/** `GET /v1/events`: how the whole stands, told as it changes. */
export function eventRoutes(server: FastifyInstance, context: OpsContext): void {
  const { instruments, health, clock, runsHere } = context
  let counted: { readonly atMs: number; readonly died: number; readonly letters: readonly LetterCount[] } | undefined

  async function lettersFor(died: number): Promise<readonly LetterCount[]> {
    const nowMs = clock.now()
    if (counted === undefined || counted.died !== died || nowMs - counted.atMs >= COUNTS_MAX_AGE_MS)
      counted = { atMs: nowMs, died, letters: await context.engine.letters.counts() }
    return counted.letters
  }

  const broadcast = new Broadcast(
    async () => {
      const sample = await instruments.sample(MAX_AGE_MS)
      const letters = await lettersFor(sample.standings.reduce((sum, { checkpoint }) => sum + checkpoint.dead, 0))
      const diagnoses = await instruments.diagnoses()
      return overviewOf({
        ...{ sample, letters, diagnoses },
        flow: instruments.flow(),
        health: health.ready(),
        pipeline: context.pipeline(),
        advice: instruments.advice().advice.length,
        slosMissed: instruments.slos().filter(({ missed }) => missed).length,
        ...(runsHere === undefined ? {} : { runsHere }),
      })
    },
    clock,
    error => context.log?.warn(`The events could not be made: ${String(error)}`),
  )
  server.addHook('preClose', async () => broadcast.close())
  // A HEAD would wait for ever for what has no end.
  server.get('/v1/events', { exposeHeadRoute: false }, (_request, reply) => broadcast.add(reply))
}
