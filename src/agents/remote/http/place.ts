import { addressIn, isOpen } from './addresses.ts'

/** What a header says: a text, or what gives it whenever a request is sent, for one that is secret or expires. */
export type HeaderValue = string | (() => string | undefined | Promise<string | undefined>)

/** Which service, and how it is asked. */
export interface Place {
  readonly url: URL
  readonly headers: ReadonlyMap<string, HeaderValue>
  /** Whether it may be at an address that is not of the open internet. */
  readonly private: boolean
  /** For people: what could be secret in the URL is left out. */
  readonly name: string
}

/** Set by what is sent, not by who sends it. */
const OURS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** @throws TypeError where something is wrong. */
export function placeOf(given: string | URL, headers: Readonly<Record<string, HeaderValue>> = {}, isPrivate = false): Place {
  const url = URL.parse(String(given))
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError("http(…) needs a URL that begins with http:// or https://, such as http('https://mood.example/v1').")
  const say = `http('${nameOf(url)}')`
  // It would be shown wherever the service is named. So the text is not repeated here either.
  if (url.username !== '' || url.password !== '')
    throw new TypeError(`${say} holds a password: give it as a header, such as headers: { authorization: () => process.env.MOOD_TOKEN }.`)
  // An address is connected to as it stands: no name is looked up, where it would be refused.
  const address = isPrivate ? undefined : addressIn(url)
  if (address !== undefined && !isOpen(address))
    throw new TypeError(
      `${say} is at ${address}, no address of the open internet: where the service is meant to be there, say private: true.`,
    )
  const named = new Map<string, HeaderValue>()
  for (const [header, value] of Object.entries(headers)) {
    const name = header.toLowerCase()
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) || OURS.has(name))
      throw new TypeError(`${say} cannot send a header ${JSON.stringify(header)}.`)
    if (typeof value !== 'string' && typeof value !== 'function')
      throw new TypeError(`${say} header ${name} must be a text, or a function that returns one.`)
    named.set(name, value)
  }
  url.hash = ''
  return { url, headers: named, private: isPrivate, name: nameOf(url) }
}

/** A URL without what may be secret in it. */
export function nameOf({ origin, pathname }: URL): string {
  return pathname === '/' ? origin : `${origin}${pathname}`
}
