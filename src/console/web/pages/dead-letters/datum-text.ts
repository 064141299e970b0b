import type { LetterDatum } from '../../../api/dead.ts'

/** A datum as a person edits it: its JSON laid out, or its bytes as Base64. */
export function textOf({ json, data }: Pick<LetterDatum, 'json' | 'data'>): string {
  return data ?? JSON.stringify(json, null, 2)
}

/** What a person typed as the API takes it: the bytes of exactly this text, or, where it is Base64 already, that. */
export function base64Of(text: string, isBase64: boolean): string {
  if (isBase64) return text.replaceAll(/\s/g, '')
  return btoa(Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join(''))
}

/** Why a text is not JSON, before anybody is asked; undefined where it is. Whether it is the topic's datum the listener knows alone. */
export function whyNotJson(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Whole numbers that a double does not hold exactly: the datum that is shown has been through one, so such a number may be another than the one
 * that was sent.
 */
export function inexactNumbers(text: string): string[] {
  const withoutTexts = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
  return [...withoutTexts.matchAll(/(?<![\d.])-?\d{16,}(?![\d.eE])/g)]
    .map(([number]) => number)
    .filter(number => !Number.isSafeInteger(Number(number)))
}
