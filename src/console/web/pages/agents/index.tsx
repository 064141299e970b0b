export function AgentsPage({ rest }: { readonly rest: readonly string[] }) {
  return <h1>{['Agents', ...rest].join(' ')}</h1>
}
