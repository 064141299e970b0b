export function ProducersPage({ rest }: { readonly rest: readonly string[] }) {
  return <h1>{['Producers', ...rest].join(' ')}</h1>
}
