/**
 * Refuses what is no option: without a type checker a misspelt one would do nothing, in silence, and `shaddow: true` be a live version.
 * @param say whose options they are, as errors begin.
 * @throws TypeError naming the one that is likest it, where one is like it.
 */
export function checkOptions(say: string, options: object, known: readonly string[]): void {
  const strange = Object.keys(options).find(name => !known.includes(name))
  if (strange === undefined) return
  const [likest] = known.toSorted((a, b) => distance(a, strange) - distance(b, strange))
  const hint =
    likest !== undefined && distance(likest, strange) <= MOST_EDITS ? `did you mean '${likest}'?` : `there are ${known.join(', ')}.`
  throw new TypeError(`${say} has an option '${strange}', which there is not: ${hint}`)
}

const MOST_EDITS = 2

/** How many letters have to be put in, taken out or exchanged (https://en.wikipedia.org/wiki/Levenshtein_distance). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1)))
    row = next
  }
  return row[other.length]!
}
