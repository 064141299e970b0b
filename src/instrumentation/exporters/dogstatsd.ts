import { createSocket, type Socket } from 'node:dgram'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AggregationTemporality } from '@opentelemetry/sdk-metrics'
import type { MetricsExporter } from './exporter.ts'
import { datagrams, statsdLines } from './statsd-lines.ts'

/** Sent without a pause, more would be lost in the receiver's buffer. */
const DATAGRAMS_PER_TURN = 20

/**
 * By UDP to a DogStatsD server, such as Datadog's agent. Nobody answers: whether metrics arrive is for the receiver to know, unless its host
 * refuses them or its name leads nowhere.
 */
export function openDogstatsd({ host, port }: { readonly host: string; readonly port: number }, intervalMs: number): MetricsExporter {
  let link: Link | undefined
  return {
    name: 'dogstatsd',
    to: `${host}:${port}`,
    intervalMs,
    temporality: () => AggregationTemporality.DELTA,
    async send(metrics) {
      link ??= new Link(host, port)
      try {
        await link.send(datagrams(statsdLines(metrics)))
      } catch (error) {
        // Its name may lead elsewhere by the next time.
        await link.close()
        link = undefined
        throw error
      }
    },
    close: async () => link?.close(),
  }
}

class Link {
  readonly #socket: Socket
  readonly #connected: Promise<void>
  /** A refusal comes as an event, after the datagram that it is about. */
  #refused: Error | undefined

  constructor(host: string, port: number) {
    this.#socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').unref()
    this.#connected = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve)
      this.#socket.on('error', error => {
        this.#refused = error
        reject(error)
      })
      this.#socket.connect(port, host)
    })
  }

  async send(texts: readonly string[]): Promise<void> {
    await this.#connected
    for (const [i, text] of texts.entries()) {
      if (i > 0 && i % DATAGRAMS_PER_TURN === 0) await nextTurn()
      if (this.#refused !== undefined) throw this.#refused
      await new Promise<void>((resolve, reject) => this.#socket.send(text, error => (error === null ? resolve() : reject(error))))
    }
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#socket.close(() => resolve()))
  }
}
