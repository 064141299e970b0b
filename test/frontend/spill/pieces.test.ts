import { expect, test } from 'vitest'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { piecesOf } from '../../../src/frontend/spill/pieces.ts'
import { batch, texts } from '../../../src/testing/suite-data.ts'

const FIRST = 100
const read = { ...batch('demand', 0, texts('d', 7)), first: FIRST, appendedMs: 0 }
const datumBytes = read.frames.length / 7

/** The texts of each piece. */
function cut(from: number, pieceBytes: number): string[][] {
  return piecesOf(read, from, pieceBytes).map(({ frames, count }) => {
    const data: string[] = []
    const cursor = new FrameCursor(frames)
    while (cursor.next()) data.push(cursor.dataText)
    expect(data).toHaveLength(count)
    return data
  })
}

test('what fits is one piece, the same bytes', () => {
  expect(piecesOf(read, FIRST, read.frames.length)).toEqual([{ frames: read.frames, count: 7 }])
  expect(piecesOf({ ...read, frames: new Uint8Array(0), count: 0 }, FIRST, 10)).toEqual([])
})

test('what does not fit is cut between data, in order, and a datum too large for a piece is one by itself', () => {
  expect(cut(FIRST, datumBytes * 3)).toEqual([['d0', 'd1', 'd2'], ['d3', 'd4', 'd5'], ['d6']])
  expect(cut(FIRST, 1)).toEqual(texts('d', 7).map(text => [text]))
})

test('what lies before the offset is left out', () => {
  expect(cut(FIRST + 3, read.frames.length)).toEqual([['d3', 'd4', 'd5', 'd6']])
  expect(cut(FIRST + 3, datumBytes * 2)).toEqual([
    ['d3', 'd4'],
    ['d5', 'd6'],
  ])
  expect(cut(FIRST + 7, 10)).toEqual([])
})
