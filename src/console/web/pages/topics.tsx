export function TopicsPage({ rest }: { readonly rest: readonly string[] }) {
  return <h1>{['Topics', ...rest].join(' ')}</h1>
}
