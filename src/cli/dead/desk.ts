import { hostname, userInfo } from 'node:os'
import { editedFrame } from '../../agents/edit-letter.ts'
import type { Engine, EngineView } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'
import { type Config, engineOptions } from '../../runtime/config.ts'
import { loadPipeline } from '../../runtime/load.ts'
import { type Shared, usage } from '../command.ts'
import { askOperators, type Operators, operatorsOf } from '../operators.ts'
import { configOf, shared, withView } from '../view.ts'
import { unknownLetters } from './filter.ts'

export type Change = 'replay' | 'discard'

/** Other data for a letter. */
export interface Edit {
  readonly letter: number
  readonly data: Buffer
  readonly contentType: string | undefined
  /** The file of the pipeline, for its schemas; a running process has its own. */
  readonly using: string | undefined
}

/** Where a person decides about dead letters: looks at them, and has things done to them. Who does it is recorded. */
export interface Desk {
  readonly view: EngineView
  /** @returns the letters that were taken. */
  change(change: Change, letters: readonly number[]): Promise<readonly number[]>
  /** @returns whether the letter was dead. @throws DATUM_INVALID, LETTER_UNKNOWN */
  edit(edit: Edit): Promise<boolean>
}

/** Through the running process where there is one, else by opening the data directory; or on the stream that processes share. */
export async function withDesk<T>(options: Shared, use: (desk: Desk) => Promise<T>): Promise<T> {
  const config = await configOf(options)
  const operators = config.connections === undefined ? operatorsOf(config.data) : undefined
  if (operators !== undefined) return withView(options, view => use(running(view, operators)))
  const engine = config.connections === undefined ? await openAtRest(config) : await shared(config)
  try {
    return await use(here(engine))
  } finally {
    await engine.close()
  }
}

function running(view: EngineView, operators: Operators): Desk {
  return {
    view,
    async change(change, letters) {
      // Our own API: it answers {replayed} or {discarded}, each a list of numbers.
      const answer = (await askOperators(operators, `/v1/dead/${change}`, { letters, by: operator() })) as {
        replayed?: number[]
        discarded?: number[]
      }
      return answer.replayed ?? answer.discarded ?? []
    },
    async edit({ letter, data, contentType }) {
      const body = { data: data.toString('base64'), by: operator(), ...(contentType === undefined ? {} : { content_type: contentType }) }
      const answer = (await askOperators(operators, `/v1/dead/${letter}/edit`, body)) as { edited: number[] } // our own API
      return answer.edited.length > 0
    },
  }
}

function here(engine: Engine): Desk {
  return {
    view: engine,
    change: (change, letters) => engine.letters[change](letters, operator()),
    async edit({ letter, data, contentType, using }) {
      if (using === undefined)
        throw usage('No process runs here that could check the datum.', "Name the pipeline's file, whose schemas do: --using pipeline.ts")
      const [stored] = await engine.letters.list({ letters: [letter], limit: 1 })
      if (stored === undefined) throw unknownLetters(`There is no dead letter ${letter}.`)
      const frame = await engine.letters.frame(letter)
      if (frame === undefined) return false
      const pipeline = await loadPipeline(using)
      const name = topicNameOf(frame, stored.topic)
      const topic = pipeline.topics.get(name)
      if (topic === undefined) throw new MillraceError('TOPIC_UNKNOWN', `The pipeline in ${using} has no topic '${name}'.`)
      return engine.letters.edit(letter, await editedFrame(frame, topic, data, contentType), operator())
    },
  }
}

/** The topic that a letter's datum was sent to, also where it died in a replay topic. */
export function topicNameOf(frame: Uint8Array, diedIn: string): string {
  const cursor = new FrameCursor(frame)
  cursor.next()
  return cursor.type || diedIn
}

export async function openAtRest(config: Config): Promise<Engine> {
  // The view says where there is no data directory; opening an engine would make one.
  await withView({ data: config.data }, async () => undefined)
  const { openEmbedded } = await import('../../engine/embedded/index.ts')
  return openEmbedded(engineOptions(config))
}

export function operator(): string {
  return `${userInfo().username}@${hostname()}`
}
