import { useEffect, useRef } from 'preact/hooks'
import { Empty, Failed, Loading } from '../../parts/states.tsx'
import { goTo } from '../../router.ts'
import { Canvas } from './canvas.tsx'
import type { Graph } from './graph.ts'
import { Panel } from './panel.tsx'
import { type Selection, selectionOf } from './selection.ts'
import { flowHref, shape, view } from './shape.ts'
import { Summary } from './summary.tsx'
import { FlowTable } from './table.tsx'
import { useLayout } from './use-layout.ts'

/**
 * The pipeline as a graph, with what flows in it now. `rest` names what is selected: a box, or both ends of an edge. It reads the shape alone:
 * what changes each second is read by the parts that show it, so that the rest is not drawn again.
 */
export function FlowPage({ rest }: { readonly rest: readonly string[] }) {
  const graph = shape.value
  if (graph === undefined) return <Loading what="the flow" />
  if (graph.boxes.length === 0) {
    return (
      <Empty title="This process runs no pipeline">
        <p>Topics and agents appear here as soon as one is declared: millrace dev pipeline.ts</p>
      </Empty>
    )
  }
  const selection = selectionOf(rest, graph)
  return (
    <div class="flow">
      <Summary />
      {rest.length > 0 && selection === undefined && <Failed problem={{ message: `There is no ${rest.join(' → ')} in this pipeline.` }} />}
      <div class={selection === undefined ? 'split' : 'split open'}>
        {view.value === 'table' ? <FlowTable graph={graph} /> : <Placed graph={graph} selected={selection?.id ?? ''} />}
        {selection !== undefined && <Closable selection={selection} graph={graph} />}
      </div>
    </div>
  )
}

function Placed({ graph, selected }: { readonly graph: Graph; readonly selected: string }) {
  const drawn = useLayout(graph)
  if (drawn === undefined) return <Loading what="the layout" />
  if (drawn instanceof Error) return <Failed problem={{ message: `${drawn.message} The table shows the same.` }} />
  return <Canvas graph={drawn.graph} layouts={drawn.layouts} selected={selected} />
}

/** The panel; Escape closes it, and the focus goes back to what was selected. */
function Closable({ selection, graph }: { readonly selection: Selection; readonly graph: Graph }) {
  const close = flowHref([])
  const id = useRef(selection.id)
  id.current = selection.id
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
      if (event.key === 'Escape' && !isTyping) goTo(close)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [close])
  useEffect(
    () => () => {
      const isLost = document.activeElement === document.body || document.activeElement === null
      if (isLost) document.querySelector<HTMLElement>(`[data-end="${CSS.escape(id.current)}"]`)?.focus({ preventScroll: true })
    },
    [],
  )
  return <Panel selection={selection} graph={graph} close={close} />
}
