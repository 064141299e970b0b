/** One server-sent event. */
export interface StreamEvent {
  readonly event: string
  readonly data: string
}

/**
 * Takes a stream of server-sent events apart, whatever pieces it comes in. An EventSource would do, but says nothing of why a listener
 * refuses, such as for a condition that is none.
 */
export class EventReader {
  #rest = ''

  /** The events that this piece completes. */
  take(piece: string): StreamEvent[] {
    const blocks = (this.#rest + piece).replaceAll('\r\n', '\n').split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.flatMap(eventIn)
  }
}

function eventIn(block: string): StreamEvent[] {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^([^:]+): ?(.*)$/s.exec(line) ?? []
    if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
  // Comments and `retry` alone are no event.
  return data.length === 0 ? [] : [{ event, data: data.join('\n') }]
}
