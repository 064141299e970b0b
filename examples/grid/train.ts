/**
 * Trains the forecast's model by ridge regression on simulated weeks of a winter and a summer, writes it to model.json, and says how it does
 * on weeks of another seed: `node examples/grid/train.ts`. The same code gives the same model.
 */
import { writeFileSync } from 'node:fs'
import { FEATURES, features, WINDOW } from './features.ts'
import { type Reading, simulate } from './simulator.ts'

const STATIONS = 40
const HOURS = 24 * 7 * 8
const RIDGE = 1

function* samples(seed: number): Generator<{ x: number[]; y: number; low: number; high: number; last: number; truth: number }> {
  const windows = new Map<string, Reading[]>()
  for (const start of [Date.UTC(2026, 0, 5), Date.UTC(2026, 6, 6)]) {
    const grid = simulate({ seed: seed + start / 3_600_000, generators: 0, consumers: STATIONS, start })
    windows.clear()
    for (let hour = 0; hour < HOURS; hour++) {
      for (const reading of grid.next().demand) {
        const window = windows.get(reading.station) ?? []
        const f = window.length === WINDOW ? features(window) : undefined
        if (f !== undefined)
          yield {
            x: f.values,
            y: (reading.megawatts - f.low) / (f.high - f.low),
            low: f.low,
            high: f.high,
            last: window.at(-1)!.megawatts,
            truth: reading.megawatts,
          }
        window.push(reading)
        if (window.length > WINDOW) window.shift()
        windows.set(reading.station, window)
      }
    }
  }
}

/** Solves (XᵀX + ridge) w = Xᵀy by Gaussian elimination with partial pivoting. */
function train(): number[] {
  const a = Array.from({ length: FEATURES }, (_, i) => Array.from({ length: FEATURES + 1 }, (_, j) => (i === j ? RIDGE : 0)))
  for (const { x, y } of samples(1)) {
    for (let i = 0; i < FEATURES; i++) {
      if (x[i] === 0) continue
      for (let j = 0; j < FEATURES; j++) a[i]![j]! += x[i]! * x[j]!
      a[i]![FEATURES]! += x[i]! * y
    }
  }
  for (let i = 0; i < FEATURES; i++) {
    const pivot = a.slice(i).reduce((best, row, k) => (Math.abs(row[i]!) > Math.abs(a[best]![i]!) ? i + k : best), i)
    ;[a[i], a[pivot]] = [a[pivot]!, a[i]!]
    for (let r = 0; r < FEATURES; r++) {
      if (r === i) continue
      const factor = a[r]![i]! / a[i]![i]!
      for (let c = i; c <= FEATURES; c++) a[r]![c]! -= factor * a[i]![c]!
    }
  }
  return a.map((row, i) => Math.round((row[FEATURES]! / row[i]!) * 1e6) / 1e6)
}

const weights = train()
let model = 0
let persistence = 0
for (const s of samples(2)) {
  const scaled = s.x.reduce((sum, value, i) => sum + value * weights[i]!, 0)
  model += Math.abs(s.low + scaled * (s.high - s.low) - s.truth)
  persistence += Math.abs(s.last - s.truth)
}
writeFileSync(new URL('model.json', import.meta.url), `${JSON.stringify({ version: 1, weights })}\n`)
console.log(`mean absolute error is ${((100 * model) / persistence).toFixed(0)} % of that of "as the hour before"`)
