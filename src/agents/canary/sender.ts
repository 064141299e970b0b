import type { Clock } from '../../clock.ts'
import { ID_BYTES, mintInto } from '../../envelope/data-id.ts'
import { JSON_TYPE } from '../../envelope/envelope.ts'
import { FrameWriter } from '../../envelope/frame.ts'
import { CANARY_TOPIC, canaryRoutes, canaryToJson } from '../../objectives/canary.ts'
import type { Pipeline } from '../../pipeline.ts'
import type { Stream } from '../../stream/stream.ts'

const SOURCE = Buffer.from('_millrace')
/** How soon it looks again whether canaries are wanted, where they are not. */
const IDLE_MS = 10_000

export interface CanarySenderOptions {
  readonly stream: Pick<Stream, 'append' | 'bounds'>
  /** The graph as it is now: a reload may begin or end canaries. */
  readonly pipeline: () => Pipeline
  readonly clock: Clock
  /** Told when one could not be sent, once until they can be again. They are not sent later: that they do not arrive is what they tell. */
  readonly onError: (error: unknown) => void
}

/** Sends canaries to where producers send, one at a time, for as long as the pipeline wants them. @returns what ends it. */
export function sendCanaries({ stream, pipeline, clock, onError }: CanarySenderOptions): () => void {
  let over = false
  let failing = false
  let cancel = clock.after(pipeline().canaryMs ?? IDLE_MS, tick)

  function tick(): void {
    sendOnce(stream, pipeline(), clock)
      .then(
        () => {
          failing = false
        },
        (error: unknown) => {
          if (!failing && !over) onError(error)
          failing = true
        },
      )
      .finally(() => {
        if (!over) cancel = clock.after(pipeline().canaryMs ?? IDLE_MS, tick)
      })
  }

  return () => {
    over = true
    cancel()
  }
}

async function sendOnce(stream: CanarySenderOptions['stream'], pipeline: Pipeline, clock: Clock): Promise<void> {
  const entries = new Set(canaryRoutes(pipeline).map(([entry]) => entry!))
  if (entries.size === 0) return
  const sentMs = clock.now()
  const writer = new FrameWriter()
  const id = Buffer.allocUnsafe(ID_BYTES)
  for (const entry of entries) {
    const line = (await stream.bounds(entry)).map(({ next }) => next)
    mintInto(id, 0, sentMs)
    writer.add({
      ...{ id, idAt: 0, supplied: false, source: SOURCE, createdMs: sentMs, contentType: JSON_TYPE, type: '', key: '' },
      ...{ parents: NO_PARENTS, data: JSON.stringify(canaryToJson({ sentMs, path: [entry], line })) },
    })
  }
  await stream.append([{ topic: CANARY_TOPIC.name, partition: 0, ...writer.take() }])
}

const NO_PARENTS = new Uint8Array(0)
