export function DataPage({ rest }: { readonly rest: readonly string[] }) {
  return <h1>{['Data', ...rest].join(' ')}</h1>
}
