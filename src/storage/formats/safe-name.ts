import { hash } from 'node:crypto'

/** File systems take names of 255 bytes; this leaves room for `key=` and the like. */
const MOST_CHARACTERS = 180
const KEPT_CHARACTERS = 120
/** What Hive-style readers take for "no value": a folder cannot end in `=`. */
const NOTHING = '__HIVE_DEFAULT_PARTITION__'

/**
 * Any text as one segment of a path: letters, digits, `-`, `_` and inner dots stay, every other byte of its UTF-8 is `%XX` (so there is no
 * slash, no NUL, no `..`, nothing that a file system folds or normalises), which Hive-style readers decode. A name that would be too
 * long is cut and ends in `~` and a hash, which nothing else contains.
 */
export function safeSegment(text: string): string {
  if (text === '') return NOTHING
  const encoded = /^[A-Za-z0-9_-]+$/.test(text) ? text : encode(text)
  if (encoded.length <= MOST_CHARACTERS) return encoded
  return `${encoded.slice(0, KEPT_CHARACTERS).replace(/%.?$/, '')}~${shortHash(text)}`
}

/** Whether the segment alone tells the text from all others, also on a file system that does not tell `A` from `a`. */
export function tellsApart(segment: string): boolean {
  return !/[A-Z~]/.test(segment.replace(/%[0-9A-F]{2}/g, ''))
}

/** 80 bits: two texts that share one are not found by trying. */
export function shortHash(text: string): string {
  return hash('sha256', text).slice(0, 20)
}

function encode(text: string): string {
  let encoded = ''
  const bytes = Buffer.from(text, 'utf8')
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    const inner = byte === DOT && i > 0 && i < bytes.length - 1 && bytes[i - 1] !== DOT
    encoded += inner || isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

const DOT = 0x2e

function isPlain(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x2d || byte === 0x5f
  )
}
