/** A share of a whole as a bar. Its number stands beside it, so it says nothing to readers of the screen that is not there. */
export function Share({
  of,
  label,
  tone = '',
}: {
  readonly of: number
  readonly label: string
  readonly tone?: 'good' | 'warn' | 'bad' | ''
}) {
  const percent = Math.round(Math.min(1, Math.max(0, of)) * 100)
  return (
    <span class={`share ${tone}`} title={label} aria-hidden="true">
      <span style={{ width: `${percent}%` }} />
    </span>
  )
}
