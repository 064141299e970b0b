/** What JSON is made of, as far as a merge patch can tell it: nothing in it is null, for that says "gone". */
export type Json = string | number | boolean | undefined | readonly Json[] | { readonly [name: string]: Json }

/** A patch of an object: what differs, and null for what is gone. */
export interface MergePatch {
  [name: string]: Json | null | MergePatch
}

/** The RFC 7396 merge patch that makes `after` of `before`; undefined where they are the same. Arrays that differ are given whole. */
export function mergePatch(before: object, after: object): MergePatch | undefined {
  const [was, is] = [entriesOf(before), entriesOf(after)]
  const patch: MergePatch = {}
  for (const [name, value] of is) {
    const old = was.get(name)
    if (isObject(old) && isObject(value)) {
      const inner = mergePatch(old, value)
      if (inner !== undefined) patch[name] = inner
    } else if (!isSame(old, value)) patch[name] = value
  }
  for (const name of was.keys()) if (!is.has(name)) patch[name] = null
  return Object.keys(patch).length === 0 ? undefined : patch
}

/** `before` with a patch applied, as RFC 7396 §2 has it. Neither is changed, and what the patch does not name stays the same object. */
export function applyPatch(before: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result = new Map(isObject(before) ? Object.entries(before) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name)
    else result.set(name, applyPatch(result.get(name), value))
  }
  return Object.fromEntries(result)
}

/** JSON has no undefined: a name that is there with it is not there. */
function entriesOf(value: object): ReadonlyMap<string, Json> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) {
    if (isObject(one) && isObject(other)) return mergePatch(one, other) === undefined
    return one === other
  }
  return one.length === other.length && one.every((member, i) => isSame(member, other[i]))
}
