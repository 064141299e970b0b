import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** How many ticks are looked back on. */
const TICKS = 5
const NS_PER_SECOND = 1e9

export interface ProcessReading {
  readonly cpuSeconds: number
  /** Cores in use over the last ticks, all threads together. */
  readonly cores: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly startSeconds: number
  /** Over the last ticks. */
  readonly loopDelayP99Seconds: number
  readonly loopDelayMaxSeconds: number
  readonly loopUtilization: number
}

/** Watches this process and the main thread's event loop. Call {@link tick} regularly: readings look back on the last few ticks. */
export class ProcessMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: 20 })
  readonly #ticks: { p99: number; max: number; utilization: EventLoopUtilization }[] = []
  #utilization = performance.eventLoopUtilization()
  /** CPU time at the last ticks, the oldest first. */
  readonly #used: { readonly atMs: number; readonly cpuMs: number }[] = [cpuNow()]

  constructor() {
    this.#delay.enable()
  }

  tick(): void {
    const utilization = performance.eventLoopUtilization()
    const since = performance.eventLoopUtilization(utilization, this.#utilization)
    this.#utilization = utilization
    // Without a measurement yet, the histogram's extremes are placeholders, not delays.
    const measured = this.#delay.count > 0
    this.#ticks.push({ p99: measured ? this.#delay.percentile(99) : 0, max: measured ? this.#delay.max : 0, utilization: since })
    this.#delay.reset()
    if (this.#ticks.length > TICKS) this.#ticks.shift()
    this.#used.push(cpuNow())
    if (this.#used.length > TICKS) this.#used.shift()
  }

  /** Share of the last ticks' time in which the event loop was at work. */
  get loopUtilization(): number {
    const active = this.#ticks.reduce((sum, tick) => sum + tick.utilization.active, 0)
    const idle = this.#ticks.reduce((sum, tick) => sum + tick.utilization.idle, 0)
    return active + idle === 0 ? 0 : active / (active + idle)
  }

  read(): ProcessReading {
    const cpu = process.cpuUsage()
    const memory = process.memoryUsage()
    return {
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      cores: this.#cores(),
      residentBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      startSeconds: performance.timeOrigin / 1_000,
      loopDelayP99Seconds: Math.max(0, ...this.#ticks.map(tick => tick.p99)) / NS_PER_SECOND,
      loopDelayMaxSeconds: Math.max(0, ...this.#ticks.map(tick => tick.max)) / NS_PER_SECOND,
      loopUtilization: this.loopUtilization,
    }
  }

  close(): void {
    this.#delay.disable()
  }

  #cores(): number {
    const [since, now] = [this.#used[0]!, cpuNow()]
    return now.atMs <= since.atMs ? 0 : (now.cpuMs - since.cpuMs) / (now.atMs - since.atMs)
  }
}

function cpuNow(): { readonly atMs: number; readonly cpuMs: number } {
  const { user, system } = process.cpuUsage()
  return { atMs: performance.now(), cpuMs: (user + system) / 1e3 }
}
