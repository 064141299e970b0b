import { hash } from 'node:crypto'
import type { StoredLetter } from './dead-letter.ts'

/** So many hex digits tell the ways apart in which a pipeline fails. */
const DIGITS = 10
/** Of a stack, the frames next to where it failed. */
const FRAMES = 3
/** What a message says it says at its beginning; the rest may be the datum. */
const MESSAGE_LENGTH = 1_000
/** Where Millrace's own code lies, here and as it is installed. */
const OWN = new URL('../', import.meta.url).href

/**
 * Names the way in which a letter's datum failed: the same for all that one cause has killed. Made of the agent@version, the error's code and
 * name, its message without what differs from datum to datum, and where in the user's code it was thrown.
 */
export function fingerprintOf({ agent, error }: Pick<StoredLetter, 'agent' | 'error'>): string {
  const parts = [agent.name, agent.version, error.code ?? '', error.name, messageShape(error.message), ...placesIn(error.stack ?? '')]
  return hash('sha256', parts.join('\0')).slice(0, DIGITS)
}

/** `no station "CE" for 2017-01-01T00:00:00Z at 512.5 MW` as `no station <text> for <time> at <n> MW`. */
export function messageShape(message: string): string {
  return message
    .slice(0, MESSAGE_LENGTH)
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<id>')
    .replace(/\b\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-]\d{2}:?\d{2})?)?/g, '<time>')
    .replace(/"(?:[^"\\\n]|\\.){0,500}"|`[^`\n]{0,500}`|(?<!\w)'[^'\n]{0,500}'(?!\w)/g, '<text>')
    .replace(/\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, '<hex>')
    .replace(/-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?/gi, '<n>')
    .replace(/\s+/g, ' ')
    .trim()
}

/** `readScale pipeline.ts:12`, innermost first: neither whose machine it was nor what lies in libraries and in Millrace. */
function placesIn(stack: string): string[] {
  const places: string[] = []
  for (const line of stack.split('\n')) {
    const place = javaScriptPlace(line)
    if (place !== undefined) places.push(place)
    if (places.length === FRAMES) return places
  }
  return places.length > 0 ? places : pythonPlaces(stack)
}

function javaScriptPlace(line: string): string | undefined {
  const frame = /^\s*at (?:(.+?) \()?((?:file:|\/|[A-Za-z]:\\)[^\s()]*?):(\d+):\d+\)?$/.exec(line)
  if (frame === null) return undefined
  const [, called = '', file = '', at = ''] = frame
  if (file.includes('/node_modules/') || file.startsWith(OWN)) return undefined
  return `${called} ${baseName(file)}:${at}`
}

/** As programs of other languages print it: `File "mood.py", line 3, in mood`, innermost last. */
function pythonPlaces(stack: string): string[] {
  const frames = [...stack.matchAll(/^\s*File "([^"\n]+)", line (\d+), in (.+)$/gm)]
  return frames
    .filter(([, file = '']) => !file.includes('site-packages') && !file.startsWith('<'))
    .slice(-FRAMES)
    .reverse()
    .map(([, file = '', at, called]) => `${called} ${baseName(file)}:${at}`)
}

/** The file's name alone, without the mark of a reload. */
function baseName(file: string): string {
  return file.replace(/\?.*$/, '').split(/[/\\]/).at(-1) ?? file
}
