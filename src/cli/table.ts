import { stripVTControlCharacters } from 'node:util'
import { paint } from './output.ts'

/** Rows under headings, columns as wide as their widest cell. Numbers stand to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map(row => row.map(cell => (typeof cell === 'number' ? grouped(cell) : cell)))
  const numeric = headings.map((_, column) => rows.length > 0 && rows.every(row => typeof row[column] === 'number'))
  const widths = headings.map((heading, column) => Math.max(width(heading), ...cells.map(row => width(row[column] ?? ''))))
  const draw = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat(Math.max(0, widths[column]! - width(cell)))
        return numeric[column] ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  return [paint('bold', draw(headings)), ...cells.map(draw)].join('\n')
}

/** 26280 as 26,280. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** A time as it is on every wire: RFC 3339, UTC, milliseconds. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** A length of time, for people: 850 ms, 12.3 s, 4.5 min, 3.2 h, 2.1 d. */
export function lengthText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 7_200_000) return `${(ms / 60_000).toFixed(1)} min`
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`
  return `${(ms / 86_400_000).toFixed(1)} d`
}

function width(text: string): number {
  return stripVTControlCharacters(text).length
}
