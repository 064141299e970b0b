import { expect, it } from 'vitest'
import { agoText } from '../../../src/console/web/parts/ago.ts'
import { bytesText } from '../../../src/console/web/parts/numbers.ts'

it('says how long ago something was, and how soon it will be', () => {
  const minute = 60_000
  expect([0, 40_000, 3 * minute, 5 * 60 * minute, 3 * 1_440 * minute, -5 * 1_440 * minute].map(agoText)).toEqual([
    'just now',
    '40 s ago',
    '3 min ago',
    '5 h ago',
    '3 d ago',
    'in 5 d',
  ])
})

it('says bytes in the unit that suits them', () => {
  expect([0, 512, 4_200_000, 79_500_000_000].map(bytesText)).toEqual(['0 B', '512 B', '4.2 MB', '79.5 GB'])
})
