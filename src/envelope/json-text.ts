/** A decoded value as JSON text. What JSON has no form for: bytes as base64, whole numbers beyond 2^53 as digits, dates as RFC 3339. */
export function toJsonText(value: unknown): string {
  // undefined (a MessagePack extension, say) has no text of its own.
  return JSON.stringify(value, jsonForm) ?? 'null'
}

/** `this` is the holder: a Buffer's own toJSON has run by the time `value` comes. */
function jsonForm(this: unknown, key: string, value: unknown): unknown {
  const held = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value
  if (held instanceof Uint8Array) return Buffer.from(held.buffer, held.byteOffset, held.byteLength).toString('base64')
  if (typeof held !== 'bigint') return value
  return held >= Number.MIN_SAFE_INTEGER && held <= Number.MAX_SAFE_INTEGER ? Number(held) : held.toString()
}
