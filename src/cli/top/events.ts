import { MillraceError } from '../../errors.ts'
import type { Operators } from '../operators.ts'
import { errorOfProblem, reasonOf } from '../problem.ts'

/** Something is heard every second, if only that nothing has changed: after so long a silence nobody is there. */
const SILENCE_MS = 5_000
const CONNECT_MS = 10_000

export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

/** A listener's server-sent events, until the signal aborts. @throws SERVER_UNREACHABLE when it goes away, and what it refuses with. */
export async function* serverEvents({ url, authorization }: Operators, path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const away = new AbortController()
  let watchdog = setTimeout(() => away.abort(), CONNECT_MS)
  const heard = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => away.abort(), SILENCE_MS)
  }
  try {
    const response = await fetch(`${url}${path}`, {
      headers: { accept: 'text/event-stream', ...(authorization === undefined ? {} : { authorization }) },
      redirect: 'error',
      signal: AbortSignal.any([signal, away.signal]),
    })
    if (!response.ok || response.body === null) throw errorOfProblem(url, response.status, await response.text())
    let rest = ''
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      heard()
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield* eventIn(block)
    }
    throw new Error('it has ended the connection')
  } catch (cause) {
    if (signal.aborted) return
    if (cause instanceof MillraceError) throw cause
    const why = away.signal.aborted ? 'it says nothing' : reasonOf(cause)
    throw new MillraceError('SERVER_UNREACHABLE', `The running process does not answer at ${url}: ${why}.`, { cause })
  } finally {
    clearTimeout(watchdog)
  }
}

/** None in a comment, or in what only says when to come back. */
function* eventIn(block: string): Generator<ServerEvent> {
  let [event, data] = ['', '']
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trimStart()]
    if (name === 'event') event = value
    if (name === 'data') data += value
  }
  if (event !== '') yield { event, data: JSON.parse(data) }
}
