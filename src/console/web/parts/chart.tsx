import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import { overview, seriesOf } from '../live/overview.ts'
import { theme } from '../theme.ts'

const HEIGHT = 96
/** What it shows at least: the first looks begin at the right, as all later ones come. */
const LEAST_SECONDS = 60
/** Between two labels: looks are a second apart. */
const STEPS_SECONDS = [5, 10, 15, 30, 60, 120, 300]

/** A small chart of the last five minutes of one number, drawn anew at each look. The newest value stands beside its title, for those who do not see it. */
export function Chart({ title, series, text }: { readonly title: string; readonly series: string; text(value: number): string }) {
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const chosen = theme.value

  useEffect(() => {
    const node = holder.current!
    let isGone = false
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: node.clientWidth, height: HEIGHT }))
    void loaded().then(UPlot => {
      if (isGone) return
      plot.current = new UPlot(optionsOf(node, text), dataOf(series), node)
      sizes.observe(node)
    })
    return () => {
      isGone = true
      sizes.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [series, chosen])

  // A view that is in the background draws nothing.
  const now = overview.value
  useEffect(() => {
    if (!document.hidden) plot.current?.setData(dataOf(series))
  }, [now, series])

  const last = seriesOf(series).values.at(-1)
  return (
    <figure class="chart">
      <figcaption>
        {title} <b>{typeof last === 'number' ? text(last) : '–'}</b>
      </figcaption>
      <div ref={holder} aria-hidden="true" />
    </figure>
  )
}

/** Loaded when the first chart is shown: most pages have none. */
async function loaded(): Promise<typeof uPlot> {
  const [module] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')])
  return module.default
}

function dataOf(series: string): uPlot.AlignedData {
  const { times, values } = seriesOf(series)
  return [[...times], [...values]]
}

function optionsOf(node: HTMLElement, text: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(node)
  const colour = (name: string) => style.getPropertyValue(name)
  const axis = {
    stroke: colour('--dim'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  return {
    width: node.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 24, 0, 0],
    scales: {
      x: { range: (_plot, first, last) => [Math.min(first, last - LEAST_SECONDS), last] },
      y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.1)] },
    },
    axes: [
      {
        ...axis,
        space: 90,
        incrs: STEPS_SECONDS,
        size: 22,
        values: (_plot, times) => times.map(time => new Date(time * 1_000).toLocaleTimeString('en-GB')),
      },
      { ...axis, space: 26, size: 52, values: (_plot, values) => values.map(text) },
    ],
    series: [{}, { stroke: colour('--accent'), width: 1.5, fill: colour('--accent-ground'), points: { show: false } }],
  }
}
