import { endId, type Graph } from './graph.ts'

/** Jumps to a box by its name: in a large graph that is faster than dragging. */
export function FindBox({ graph, onFound }: { readonly graph: Graph; onFound(end: string): void }) {
  const ends = new Map(
    graph.boxes.flatMap(box =>
      (box.groups.length === 0 ? [box.id] : box.groups.map(group => endId({ box: box.id, group }))).map(end => [shown(end), end]),
    ),
  )
  const find = (text: string) => {
    const end = ends.get(text)
    if (end !== undefined) onFound(end)
    return end !== undefined
  }
  return (
    <label>
      <span class="unseen">Find in the graph</span>
      <input
        type="search"
        list="flow-ends"
        placeholder="Find…"
        onInput={event => {
          if (find(event.currentTarget.value)) event.currentTarget.value = ''
        }}
        onKeyDown={event => {
          // Enter takes the first that has the letters in it.
          const letters = event.currentTarget.value.toLowerCase()
          const first =
            event.key === 'Enter' && letters !== '' ? [...ends.keys()].find(name => name.toLowerCase().includes(letters)) : undefined
          if (first === undefined) return
          event.preventDefault()
          event.currentTarget.value = ''
          find(first)
        }}
      />
      <datalist id="flow-ends">
        {[...ends.keys()].map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  )
}

/** `topic demand`, `agent forecast@2`. */
function shown(end: string): string {
  return end.replace(':', ' ')
}
