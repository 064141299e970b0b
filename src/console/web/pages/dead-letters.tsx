export function DeadLettersPage({ rest }: { readonly rest: readonly string[] }) {
  return <h1>{['DeadLetters', ...rest].join(' ')}</h1>
}
