/** A seeded grid: what each station reads at each hour, with daily, weekly and weather shape. The same seed gives the same year. */
export interface Reading {
  readonly station: string
  readonly at: string
  readonly megawatts: number
}

export interface Grid {
  /** Every station's reading of the next hour, generating stations first. */
  next(): { generation: Reading[]; demand: Reading[] }
}

interface Station {
  readonly name: string
  readonly size: number
  readonly kind: 'solar' | 'wind' | 'thermal' | 'homes' | 'offices'
  readonly region: number
}

const HOUR_MS = 3_600_000
const REGIONS = 10

/** @param start milliseconds since 1970 UTC; the first hour that is read. */
export function simulate(options: { seed: number; generators: number; consumers: number; start: number }): Grid {
  const random = mulberry32(options.seed)
  const generators = stations('g', options.generators, ['solar', 'wind', 'thermal'], random)
  const consumers = stations('d', options.consumers, ['homes', 'offices'], random)
  // Weather of each region wanders and returns (a first-order autoregression): degrees above normal, and wind from 0 to 1.
  const heat = new Array<number>(REGIONS).fill(0)
  const wind = new Array<number>(REGIONS).fill(0.5)
  let hour = Math.floor(options.start / HOUR_MS)
  return {
    next() {
      const date = new Date(hour * HOUR_MS)
      const at = date.toISOString().slice(0, 16)
      hour++
      for (let r = 0; r < REGIONS; r++) {
        heat[r] = heat[r]! * 0.97 + gauss(random) * 0.8
        wind[r] = clamp(wind[r]! + (0.5 - wind[r]!) * 0.05 + gauss(random) * 0.06, 0, 1)
      }
      const read = (s: Station) => ({
        station: s.name,
        at,
        megawatts: round(s.size * level(s, date, heat[s.region]!, wind[s.region]!) * (1 + gauss(random) * 0.015)),
      })
      return { generation: generators.map(read), demand: consumers.map(read) }
    },
  }
}

/** A station's share of its size at an hour. */
function level(station: Station, date: Date, heat: number, wind: number): number {
  const hour = date.getUTCHours()
  const weekend = date.getUTCDay() % 6 === 0
  const season = Math.cos(((date.getUTCMonth() + 0.5) / 12) * 2 * Math.PI)
  switch (station.kind) {
    case 'solar':
      return Math.max(0, Math.sin(((hour - 6) / 12) * Math.PI)) * (0.75 - 0.25 * season)
    case 'wind':
      return wind ** 1.5
    case 'thermal':
      return 0.55 + 0.25 * evening(hour) + 0.05 * season
    case 'homes':
      return 0.45 + 0.35 * evening(hour) + (weekend ? 0.08 : 0) + 0.012 * Math.abs(heat) + 0.08 * season
    case 'offices':
      return 0.3 + (weekend ? 0.05 : 0.5) * Math.max(0, Math.sin(((hour - 6) / 13) * Math.PI)) + 0.012 * Math.max(0, heat)
  }
}

function evening(hour: number): number {
  return Math.exp(-((hour - 8) ** 2) / 8) * 0.6 + Math.exp(-((hour - 19) ** 2) / 10)
}

function stations(prefix: string, count: number, kinds: readonly Station['kind'][], random: () => number): Station[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `${prefix}-${String(i).padStart(prefix === 'g' ? 3 : 4, '0')}`,
    size: round(20 + 480 * random() ** 2),
    kind: kinds[i % kinds.length]!,
    region: Math.floor(random() * REGIONS),
  }))
}

/** Mulberry32 (Tommy Ettinger, 2017): a 32-bit generator, enough for a simulation. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A normal deviate (Box and Muller, 1958). */
function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
