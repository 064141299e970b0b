declare global {
  interface JSON {
    /** A number as it was written, for `JSON.stringify` to write again (ECMAScript 2026, in Node 21 and later). */
    rawJSON(text: string): object
  }
}

/** Parses JSON so that it can be written again with every number as it was: those that a number of ours would round stand for their text. */
export function parseRawNumbers(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined || String(value) === context.source) return value
    return JSON.rawJSON(context.source)
  })
}
