import { emptyResource } from '@opentelemetry/resources'
import type { Clock } from '../clock.ts'
import type { EngineView } from '../engine/engine.ts'
import type { ArrivalFact } from '../objectives/ages.ts'
import { type Pipeline, versionsOf } from '../pipeline.ts'
import type { AgentVersion } from '../trace/trace.ts'
import { type Advised, Advisor } from './advice/advisor.ts'
import { loadsOf } from './advice/loads.ts'
import { CanaryLog, type CanaryReading } from './canaries.ts'
import { Diagnoses, type Judged, type Watched } from './diagnoses.ts'
import { type DiskReading, readDisk } from './disk.ts'
import type { SpanOutcome } from './exporters/span-sender.ts'
import { type Flow, FlowMeter } from './flow.ts'
import { type Exporting, Metrics } from './metrics.ts'
import type { Observed } from './observed.ts'
import { PartitionLoads } from './partition-loads.ts'
import { ProcessMeter, type ProcessReading } from './process.ts'
import { Producers, type Producing } from './producers.ts'
import type { IngestFact, InHandFact, Recorder, SpillFact, WorkFact } from './recorder.ts'
import { type Sample, Sampler } from './sampler.ts'
import { SloMeter, type SloReading } from './slo/meter.ts'

/** What the main thread measures with: the recorder that all facts come to, and what is read out of them. */
export interface Instruments extends Required<Recorder> {
  /** The declarations whose topics and agents may be labels; again after a reload. Facts of any other topic count as `other`. */
  use(pipeline: Pipeline): void
  /** Whom to ask how the agents of this process are. */
  watch(agents: Watched): void
  /** So many dead letters of an agent have expired. */
  lettersExpired(agent: AgentVersion, count: number): void
  /** What became of so many spans of traces. */
  spans(outcome: SpanOutcome, count: number): void
  flow(): Flow
  /** Where everything stands, at most `maxAgeMs` old. */
  sample(maxAgeMs: number): Promise<Sample>
  /** How every agent of the pipeline is, by `name@version`, as of the last sample. @throws what the engine throws. */
  diagnoses(): Promise<ReadonlyMap<string, Judged>>
  /** What would help, and whether what was done helped. */
  advice(): Advised
  /** What came of what each producer sent, the busiest first; since when; and how much of it the front end still keeps on its own disk. */
  producers(): { readonly sinceMs: number; readonly producers: readonly Producing[]; readonly spilled: number }
  /** How this process is. */
  process(): ProcessReading
  /** What the data directory takes, and what is left of its disk; undefined where there is none. */
  disk(): Promise<DiskReading | undefined>
  /** How the pipeline’s objectives stand, as of the last sample. */
  slos(): readonly SloReading[]
  /** How canaries fare on each path, as of the last look at the engine. */
  canaries(): readonly CanaryReading[]
  /** Prometheus text, and what of it could not be read. */
  metrics(): Promise<{ text: string; errors: readonly unknown[] }>
  close(): Promise<void>
}

export interface InstrumentsOptions {
  readonly engine: EngineView
  readonly clock: Clock
  /** The engine's data directory, whose files' size is measured. */
  readonly directory?: string
  /** Told when the engine could not be asked, once until it answers again. */
  readonly onError?: (error: unknown) => void
  /** Where metrics go besides the text; closed with the instruments. */
  readonly exporting?: Omit<Exporting, 'clock'>
}

/** Between two looks at the engine that nobody asked for: rates need them. */
const TICK_MS = 2_000
/** A scrape is answered from a sample of this age or younger. */
const SCRAPE_MAX_AGE_MS = 1_000
const UNKNOWN_TOPIC = 'other'

export function createInstruments(options: InstrumentsOptions): Instruments {
  const { clock } = options
  const flow = new FlowMeter()
  const sampler = new Sampler(options.engine, clock)
  const ofProcess = new ProcessMeter()
  const topics = new Set<string>()
  const agents = new Set<string>()
  const diagnoses = new Diagnoses(options.engine, clock)
  const partitions = new PartitionLoads()
  const producers = new Producers(clock.now())
  const advisor = new Advisor()
  const slos = new SloMeter()
  const canaries = new CanaryLog(options.engine)
  let watched: Watched = () => undefined
  const readSlos = () => slos.read(clock.now(), agent => watched(agent) !== undefined)
  let running: Pipeline['agents'] = new Map()
  let spilled = 0
  async function sample(maxAgeMs: number): Promise<Sample> {
    const taken = await sampler.sample(maxAgeMs)
    diagnoses.note(taken)
    slos.note(taken)
    return taken
  }
  const disk = async () => (options.directory === undefined ? undefined : readDisk(options.directory))
  const exporting = options.exporting ?? { resource: emptyResource(), exporters: [], delivered: () => undefined }
  const observed: Observed = {
    sample: () => sample(SCRAPE_MAX_AGE_MS),
    local: async () => ({
      flow: flow.read(clock.now()),
      diagnoses: diagnoses.now(flow.read(clock.now())),
      process: ofProcess.read(),
      advice: advisor.read().advice,
      disk: await disk(),
      slos: readSlos(),
      canaries: canaries.read(clock.now()),
    }),
  }
  const metrics = new Metrics(observed, { ...exporting, clock })

  let closed = false
  let failing = false
  let cancelTick = clock.after(TICK_MS, tick)

  function tick(): void {
    ofProcess.tick()
    sample(TICK_MS / 2)
      .then(async taken => {
        advise(taken)
        await canaries.note()
        failing = false
      })
      .catch((error: unknown) => {
        if (!failing && !closed) options.onError?.(error)
        failing = true
      })
      .finally(() => {
        if (!closed) cancelTick = clock.after(TICK_MS, tick)
      })
  }

  function advise(taken: Sample): void {
    partitions.note(taken)
    const now = flow.read(clock.now())
    const { acceptedPerSecond, retryPerSecond } = now.frontEnd
    const slowest = slos.slowest(clock.now(), agent => watched(agent) !== undefined)
    const loads = loadsOf(running, { sample: taken, flow: now, diagnoses: diagnoses.now(now), partitions, slowest })
    advisor.note(taken.atMs, loads, { acceptedPerSecond, turnedAwayPerSecond: retryPerSecond, loop: ofProcess.loopUtilization })
  }

  return {
    // Producers choose what they ask for: only declared topics become labels, or anybody could fill the memory with series.
    ingest(fact: IngestFact) {
      const topic = topics.has(fact.topic) ? fact.topic : UNKNOWN_TOPIC
      metrics.ingest(fact, topic)
      flow.ingest(fact, topic, clock.now())
      producers.ingest(fact, topic, clock.now())
    },
    reject: fact => producers.reject(fact, clock.now()),
    work(fact: WorkFact) {
      metrics.work(fact)
      slos.work(fact, clock.now())
      flow.work(fact, clock.now())
    },
    arrived(facts: readonly ArrivalFact[]) {
      for (const fact of facts) slos.arrived(fact, clock.now())
    },
    inHand(fact: InHandFact) {
      // A last word of an agent that a reload has removed must not bring it back.
      if (agents.has(`${fact.agent}@${fact.version}`)) flow.inHand(fact)
    },
    spill(fact: SpillFact) {
      metrics.spill(fact)
      spilled = fact.data
    },
    use(pipeline) {
      for (const name of pipeline.topics.keys()) {
        topics.add(name)
        metrics.beginTopic(name)
      }
      agents.clear()
      for (const [id, agent] of versionsOf(pipeline)) {
        agents.add(id)
        metrics.beginAgent(
          agent.name,
          agent.version,
          agent.from.map(topic => topic.name),
        )
      }
      flow.keep(agents)
      diagnoses.use(pipeline)
      slos.use(pipeline)
      canaries.use(pipeline, clock.now())
      running = pipeline.agents
    },
    watch(agents) {
      watched = agents
      diagnoses.watch(agents)
    },
    lettersExpired: (agent, count) => metrics.lettersExpired(agent.name, agent.version, count),
    spans(outcome, count) {
      metrics.spans(outcome, count)
      if (outcome !== 'dropped') metrics.exported('otlp', 'traces', outcome === 'sent')
    },
    flow: () => flow.read(clock.now()),
    sample,
    diagnoses: () => diagnoses.named(flow.read(clock.now())),
    advice: () => advisor.read(),
    producers: () => ({ sinceMs: producers.sinceMs, producers: producers.read(clock.now()), spilled }),
    process: () => ofProcess.read(),
    disk,
    slos: readSlos,
    canaries: () => canaries.read(clock.now()),
    metrics: () => metrics.text(),
    async close() {
      closed = true
      cancelTick()
      ofProcess.close()
      await metrics.close()
    },
  }
}
