import type { Issue } from '../errors.ts'

/**
 * What of a topic's data, or of a cache's values, no person sees on the operators' side: fields by their paths, or everything.
 * `'card.number'` is the field `number` of the field `card`; of an array it is that of each element.
 */
export type Mask = readonly string[] | true

/** What stands where something is hidden. */
export const MASK = '•••'

/** Of a datum, all that {@link masked} needs: a topic, or a cache. */
export interface Masking {
  readonly mask?: Mask | undefined
}

/** @throws TypeError where it could not be a mask: a path that is misspelt would hide nothing, in silence. */
export function checkMask(mask: unknown, say: string): void {
  if (mask === undefined || mask === true) return
  const isPath = (path: unknown) => typeof path === 'string' && path !== '' && path.split('.').every(name => name !== '')
  if (Array.isArray(mask) && mask.length > 0 && mask.every(isPath)) return
  throw new TypeError(`${say} has mask: ${JSON.stringify(mask)}; it must be true, or paths of fields such as ['card.number', 'email'].`)
}

/**
 * The datum without what its topic hides: a copy where something is hidden, else the datum itself. A path that leads to something which has no
 * fields, such as the number of a card where an object should be, hides that: data that break their schema are shown here, too.
 */
export function masked({ mask }: Masking, datum: unknown): unknown {
  if (mask === undefined) return datum
  if (mask === true) return MASK
  return mask.reduce((shown, path) => along(shown, path.split('.'), () => MASK), datum)
}

/** Whether what is said of a field might say what is hidden. @param path such as `card.numbers[3]`; empty: the whole datum. */
export function hides({ mask }: Masking, path: string): boolean {
  if (mask === undefined || mask === true) return mask === true
  const field = path.replaceAll(/\[\d+\]/g, '')
  return field === '' || mask.some(hidden => `${field}.`.startsWith(`${hidden}.`) || `${hidden}.`.startsWith(`${field}.`))
}

/** `station: expected string`: what a schema says of a datum, which may quote it. Not of what is hidden. */
export function sayIssue({ path, message }: Issue, masking: Masking): string {
  const says = hides(masking, path) ? MASK : message
  return path === '' ? says : `${path}: ${says}`
}

/** A datum's key as people see it: hidden where it says what a field hides. */
export function maskedKey({ mask }: Masking, key: string, datum: unknown): string {
  if (mask === undefined || key === '') return key
  if (mask === true) return MASK
  const tells = (hidden: unknown): boolean =>
    typeof hidden === 'object' && hidden !== null
      ? Object.values(hidden).some(tells)
      : hidden !== undefined && hidden !== null && String(hidden) !== '' && key.includes(String(hidden))
  return hiddenIn(mask, datum).some(tells) ? MASK : key
}

/**
 * A person has edited what {@link masked} showed: where the mask still stands, the datum's own value comes back.
 * @throws TypeError where a mask stands where there was nothing to hide, or elements of an array have moved, so that nobody can tell whose value it is.
 */
export function unmasked(masking: Masking, edited: unknown, datum: unknown): unknown {
  const { mask } = masking
  if (mask === undefined) return edited
  if (mask === true) return edited === MASK ? datum : edited
  return mask.reduce((whole, path) => restored(whole, path.split('.'), datum, path), edited)
}

/** Goes down a path, and puts something else where it ends. A name with dots in it counts as the fields that it is spelt like. */
function along(value: unknown, names: readonly string[], end: (value: unknown) => unknown): unknown {
  if (Array.isArray(value) && names.length > 0) return value.map(element => along(element, names, end))
  if (names.length === 0) return end(value)
  if (!isFields(value)) return value === null || value === undefined ? value : end(value)
  let fields = value
  for (let count = 1; count <= names.length; count++) {
    const name = names.slice(0, count).join('.')
    if (Object.hasOwn(fields, name)) fields = { ...fields, [name]: along(fields[name], names.slice(count), end) }
  }
  return fields
}

function hiddenIn(mask: readonly string[], datum: unknown): unknown[] {
  const hidden: unknown[] = []
  for (const path of mask) {
    along(datum, path.split('.'), value => {
      hidden.push(value)
      return value
    })
  }
  return hidden
}

function restored(edited: unknown, names: readonly string[], datum: unknown, path: string): unknown {
  if (edited === MASK) {
    if (datum !== undefined) return datum
    throw new TypeError(`${path} is '${MASK}', and there is nothing hidden there.`)
  }
  if (names.length === 0) return edited
  if (Array.isArray(edited)) {
    const before: readonly unknown[] = Array.isArray(datum) ? datum : []
    const isHidden = (element: unknown) => hiddenIn([names.join('.')], element).includes(MASK)
    if (edited.some(isHidden) && (edited.length !== before.length || hasMoved(edited, before, names.join('.'))))
      throw new TypeError(`${path} is '${MASK}' in an array whose elements are others now: nobody can tell which value is meant.`)
    return edited.map((element, i) => restored(element, names, before[i], path))
  }
  if (!isFields(edited)) return edited
  const before = isFields(datum) ? datum : {}
  let fields = edited
  for (let count = 1; count <= names.length; count++) {
    const name = names.slice(0, count).join('.')
    if (!Object.hasOwn(fields, name)) continue
    const was = Object.hasOwn(before, name) ? before[name] : undefined
    fields = { ...fields, [name]: restored(fields[name], names.slice(count), was, path) }
  }
  return fields
}

/** Whether an element stands where it did not, as far as one can see: then the value that is hidden in its place is another's. */
function hasMoved(edited: readonly unknown[], before: readonly unknown[], path: string): boolean {
  const looks = (element: unknown) => JSON.stringify(masked({ mask: [path] }, element))
  const was = before.map(looks)
  return edited.map(looks).some((look, i) => look !== was[i] && was.includes(look))
}

/** An object of fields: no array, and none of what a decoder makes of a single value, such as bytes or a date. */
function isFields(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
