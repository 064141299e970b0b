import { cache, topic } from 'millrace'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MASK, masked, maskedKey, unmasked } from '../../src/stream/masked.ts'

const payment = topic('payment', z.unknown(), { mask: ['card.number', 'email', 'items.note'] })
const datum = {
  card: { number: '4111', brand: 'visa' },
  email: 'ada@example.com',
  items: [
    { id: 1, note: 'gift' },
    { id: 2, note: 'for bob' },
  ],
}

describe('a masked datum', () => {
  test('has the mask at each path, also in each element of an array, and is otherwise as it was', () => {
    expect(masked(payment, datum)).toEqual({
      card: { number: MASK, brand: 'visa' },
      email: MASK,
      items: [
        { id: 1, note: MASK },
        { id: 2, note: MASK },
      ],
    })
    expect(datum.card.number).toBe('4111')
  })

  test('is hidden whole by mask: true, and is itself without a mask', () => {
    expect(masked(topic('t', z.unknown(), { mask: true }), datum)).toBe(MASK)
    expect(masked(topic('t', z.unknown()), datum)).toBe(datum)
  })

  test.each([
    ['a value where fields should be', { card: '4111' }, { card: MASK }],
    ['a datum that is no object', 'ada@example.com', MASK],
    ['an array where an object should be', [{ email: 'a' }], [{ email: MASK }]],
    ['a name with dots in it', { 'card.number': '4111' }, { 'card.number': MASK }],
    ['bytes', { card: Buffer.from('4111') }, { card: MASK }],
    ['a field that is an object', { email: { local: 'ada' } }, { email: MASK }],
    ['nothing to hide', { card: null, other: 1 }, { card: null, other: 1 }],
  ])('does not show what breaks its schema: %s', (_what, given, shown) => {
    expect(masked(payment, given)).toEqual(shown)
  })

  test('has no key that says what is hidden', () => {
    expect(maskedKey(payment, 'ada@example.com', datum)).toBe(MASK)
    expect(maskedKey(payment, 'eu/4111', datum)).toBe(MASK)
    expect(maskedKey(payment, 'visa', datum)).toBe('visa')
  })
})

describe('an edit of what was shown', () => {
  test('keeps what was hidden where the mask still stands', () => {
    const edited = { ...(masked(payment, datum) as typeof datum), email: 'new@example.com', fixed: true }
    expect(unmasked(payment, edited, datum)).toEqual({ ...datum, email: 'new@example.com', fixed: true })
    expect(unmasked({ mask: true }, MASK, datum)).toBe(datum)
    expect(unmasked(payment, { card: MASK }, { card: '4111' })).toEqual({ card: '4111' })
  })

  test('is refused where nobody can tell which value is meant', () => {
    const shown = masked(payment, datum) as typeof datum
    expect(() => unmasked(payment, { ...shown, items: shown.items.slice(1) }, datum)).toThrow(/items.note/)
    expect(() => unmasked(payment, { ...shown, items: [...shown.items].reverse() }, datum)).toThrow(/which value/)
    expect(() => unmasked(payment, { email: MASK }, {})).toThrow(/nothing hidden/)
    const others = [{ id: 3, note: 'new' }]
    expect(unmasked(payment, { ...shown, items: others }, datum)).toMatchObject({ items: others, email: 'ada@example.com' })
  })
})

test.each([[[]], [['']], [['a..b']], ['email'], [false]])('a mask that would hide nothing is refused: %j', mask => {
  const wrong = { mask } as unknown as { mask: true }
  expect(() => topic('t', z.unknown(), wrong)).toThrow(/mask/)
  expect(() => cache('c', z.unknown(), { key: () => '', ...wrong })).toThrow(/mask/)
})
