import { DatumPage } from './datum.tsx'
import { SearchView } from './search.tsx'

/** The search for data, or the life of one. */
export function DataPage({ rest: [id] }: { readonly rest: readonly string[] }) {
  return id === undefined ? <SearchView /> : <DatumPage id={id} />
}
