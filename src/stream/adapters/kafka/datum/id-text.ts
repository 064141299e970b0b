import { ID_BYTES } from '../../../../envelope/data-id.ts'

const DIGITS = Buffer.from('0123456789abcdef')
const DASH = 0x2d
/** What each character is worth as a hexadecimal digit in lower case; −1, and so any byte made of it below 0, where it is none. */
const WORTH = new Int8Array(256).fill(-1)
for (const [worth, character] of DIGITS.entries()) WORTH[character] = worth

/** Writes an id's text in its place. */
export function writeId(target: Uint8Array, at: number, bytes: Uint8Array, from: number): void {
  for (let i = 0; i < ID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) target[at++] = DASH
    const byte = bytes[from + i]!
    target[at++] = DIGITS[byte >> 4]!
    target[at++] = DIGITS[byte & 15]!
  }
}

/** Reads an id from its text. False where the text is not a UUID as Millrace writes it; the target's bytes mean nothing then. */
export function readId(target: Uint8Array, at: number, text: Uint8Array, from: number): boolean {
  for (let i = 0; i < ID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) if (text[from++] !== DASH) return false
    const byte = (WORTH[text[from]!]! << 4) | WORTH[text[from + 1]!]!
    if (byte < 0) return false
    target[at + i] = byte
    from += 2
  }
  return true
}
