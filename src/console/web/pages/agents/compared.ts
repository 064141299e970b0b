/** Four digits that say something: differences are small beside what differs. */
export function differenceText(value: number, numbers: number): string {
  return numbers === 0 ? '–' : value.toLocaleString('en', { maximumSignificantDigits: 4 })
}

interface Chosen {
  readonly group: string
  readonly shadow: boolean
}

/** The two that are compared: those that the URL names, else the live version and what is to come after it. */
export function firstTwo<Version extends Chosen>(
  versions: readonly Version[],
  first: string | null,
  second: string | null,
): [Version, Version] {
  const named = (group: string | null) => versions.find(version => version.group === group)
  const live = named(first) ?? versions.find(({ shadow }) => !shadow) ?? versions[0]!
  const other = named(second) ?? versions.find(version => version.shadow && version !== live) ?? versions.find(version => version !== live)
  return [live, other ?? live]
}
