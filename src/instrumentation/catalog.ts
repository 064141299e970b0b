import type { Label } from './labels.ts'

/**
 * Every metric that Millrace exports, once: `docs/metrics.md` is made from it by `scripts/metrics-page.ts`, and tests hold page, exports,
 * dashboard and alert rules against it.
 *
 * Names: the part, what is counted, the base unit; `_total` for what only rises. Labels are bounded by the declarations (topics, agents,
 * versions) and small sets of words; an id, a source, a key or an offset is never a label.
 */
export interface MetricSpec {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** UCUM, as OpenTelemetry has it: `s`, `By`, `1`, or what is counted in braces. */
  readonly unit: string
  readonly labels: readonly Label[]
  readonly help: string
}

const AGENT = ['agent', 'version'] as const
const SLO = ['from', 'to', 'within'] as const
const READER = ['agent', 'version', 'topic'] as const

export const METRICS = {
  frontendData: {
    name: 'millrace_frontend_data_total',
    kind: 'counter',
    unit: '{datum}',
    labels: ['topic', 'outcome'],
    help: 'Data that producers sent, by receipt: accepted, duplicate, rejected, retry.',
  },
  frontendBytes: {
    name: 'millrace_frontend_bytes_total',
    kind: 'counter',
    unit: 'By',
    labels: ['topic'],
    help: 'Bytes of the data that producers sent.',
  },
  frontendIngest: {
    name: 'millrace_frontend_ingest_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['topic'],
    help: 'From a request’s last byte to its receipts.',
  },
  spillData: {
    name: 'millrace_frontend_spill_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: [],
    help: 'Data that were accepted while the stream was away and wait on the front end’s disk. Alarm above 0.',
  },
  spillBytes: {
    name: 'millrace_frontend_spill_bytes',
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Size of the spill’s files on disk.',
  },
  spilled: {
    name: 'millrace_frontend_spilled_total',
    kind: 'counter',
    unit: '{datum}',
    labels: [],
    help: 'Data that went to the front end’s disk because the stream was away.',
  },
  spillDrained: {
    name: 'millrace_frontend_drained_total',
    kind: 'counter',
    unit: '{datum}',
    labels: [],
    help: 'Data that went from the front end’s disk to the stream; again where it was not known whether they had.',
  },
  streamAppended: {
    name: 'millrace_stream_appended_total',
    kind: 'counter',
    unit: '{datum}',
    labels: ['topic'],
    help: 'Data ever appended to a topic, by producers and agents.',
  },
  streamRetained: {
    name: 'millrace_stream_retained_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: ['topic'],
    help: 'Data that a topic holds now.',
  },
  agentData: {
    name: 'millrace_agents_data_total',
    kind: 'counter',
    unit: '{datum}',
    labels: [...READER, 'outcome'],
    help: 'Data that an agent is finished with: done, dead, duplicate, lost.',
  },
  agentOutputs: {
    name: 'millrace_agents_outputs_total',
    kind: 'counter',
    unit: '{datum}',
    labels: AGENT,
    help: 'Data that an agent wrote to its topics.',
  },
  agentRetries: {
    name: 'millrace_agents_retries_total',
    kind: 'counter',
    unit: '{attempt}',
    labels: AGENT,
    help: 'Attempts beyond the first.',
  },
  agentQueue: {
    name: 'millrace_agents_queue_seconds',
    kind: 'histogram',
    unit: 's',
    labels: AGENT,
    help: 'From when the oldest datum of a unit of work was appended to when it was claimed.',
  },
  agentHandler: {
    name: 'millrace_agents_handler_seconds',
    kind: 'histogram',
    unit: 's',
    labels: AGENT,
    help: 'In which something of a unit of work was in the handler’s hands, or files were written.',
  },
  agentCommit: {
    name: 'millrace_agents_commit_seconds',
    kind: 'histogram',
    unit: 's',
    labels: AGENT,
    help: 'From a commit’s start to its end.',
  },
  agentInFlight: {
    name: 'millrace_agents_in_flight_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: AGENT,
    help: 'Data claimed and not committed.',
  },
  agentInFlightAge: {
    name: 'millrace_agents_in_flight_seconds',
    kind: 'gauge',
    unit: 's',
    labels: AGENT,
    help: 'For how long the oldest datum in flight has been in hand. It rises while an agent hangs.',
  },
  agentBusy: {
    name: 'millrace_agents_busy_seconds_total',
    kind: 'counter',
    unit: 's',
    labels: AGENT,
    help: 'Time in which an agent had something in hand: its rate is at most 1 for each of its replicas.',
  },
  agentState: {
    name: 'millrace_agents_state',
    kind: 'gauge',
    unit: '{agent}',
    labels: [...AGENT, 'state'],
    help: 'How an agent is: 1 for the state that it is in, 0 for the others.',
  },
  agentReplicas: {
    name: 'millrace_agents_replicas',
    kind: 'gauge',
    unit: '{replica}',
    labels: AGENT,
    help: 'Threads, or programs, that an agent is to have in this process.',
  },
  agentLag: {
    name: 'millrace_agents_lag_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: READER,
    help: 'Data of a topic that an agent has not committed, over all partitions.',
  },
  agentLagAge: {
    name: 'millrace_agents_lag_seconds',
    kind: 'gauge',
    unit: 's',
    labels: READER,
    help: 'Age of the oldest datum that an agent has not committed.',
  },
  agentExpired: {
    name: 'millrace_agents_expired_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: READER,
    help: 'Data that retention deleted before the agent reached them and that are not counted as lost yet. Alarm above 0.',
  },
  agentLettersExpired: {
    name: 'millrace_agents_letters_expired_total',
    kind: 'counter',
    unit: '{letter}',
    labels: AGENT,
    help: 'Dead letters that nobody came to within retention.letters. Alarm when it rises.',
  },
  ledgerGap: {
    name: 'millrace_ledger_gap_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: READER,
    help: 'What the conservation ledger does not account for, over all partitions. 0 when it balances; alarm otherwise.',
  },
  sloGood: {
    name: 'millrace_slo_good_total',
    kind: 'counter',
    unit: '{datum}',
    labels: SLO,
    help: 'Data that reached the end of an objective’s path in time.',
  },
  sloData: {
    name: 'millrace_slo_data_total',
    kind: 'counter',
    unit: '{datum}',
    labels: SLO,
    help: 'Data that an objective counts: those that reached its end, in time or late, and those that died or were lost on the way.',
  },
  sloUnmeasured: {
    name: 'millrace_slo_unmeasured_total',
    kind: 'counter',
    unit: '{datum}',
    labels: SLO,
    help: 'Data that reached an objective’s end and whose ids do not say when they were accepted; they are not counted.',
  },
  sloOverdue: {
    name: 'millrace_slo_overdue_data',
    kind: 'gauge',
    unit: '{datum}',
    labels: SLO,
    help: 'Data that wait for an agent on an objective’s path for longer than the objective leaves time.',
  },
  sloObjective: {
    name: 'millrace_slo_objective_ratio',
    kind: 'gauge',
    unit: '1',
    labels: SLO,
    help: 'The share of the data that is to arrive in time.',
  },
  sloBurn: {
    name: 'millrace_slo_burn_rate_ratio',
    kind: 'gauge',
    unit: '1',
    labels: [...SLO, 'window'],
    help: 'How fast the error budget burns, by the last 5m and 1h with what is overdue now: at 1 it lasts exactly its period, 14.4 is worth a page.',
  },
  sloBudget: {
    name: 'millrace_slo_budget_left_ratio',
    kind: 'gauge',
    unit: '1',
    labels: SLO,
    help: 'Share of the error budget that is left, of the time since the process started, thirty days at most; below 0 it is overdrawn.',
  },
  sloAgeP50: {
    name: 'millrace_slo_age_p50_seconds',
    kind: 'gauge',
    unit: 's',
    labels: SLO,
    help: 'From when data were accepted to when they reached an objective’s end, over the last hour: for half of them at most.',
  },
  sloAgeP99: {
    name: 'millrace_slo_age_p99_seconds',
    kind: 'gauge',
    unit: 's',
    labels: SLO,
    help: 'The same, for 99 of 100 of them at most.',
  },
  canaryTook: {
    name: 'millrace_canary_seconds',
    kind: 'gauge',
    unit: 's',
    labels: ['route'],
    help: 'How long the last canary took along a path, from when it was sent until it was appended at the end.',
  },
  canaryOverdue: {
    name: 'millrace_canary_overdue',
    kind: 'gauge',
    unit: '{path}',
    labels: ['route'],
    help: '1 where no canary has arrived that was sent in the last three times as long as lies between two, else 0. Alarm above 0.',
  },
  engineSize: {
    name: 'millrace_engine_size_bytes',
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Size of the engine’s files on disk.',
  },
  diskFree: {
    name: 'millrace_engine_disk_free_bytes',
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'What is free on the disk of the data directory.',
  },
  diskSize: {
    name: 'millrace_engine_disk_size_bytes',
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Size of the disk of the data directory.',
  },
  advice: {
    name: 'millrace_advice',
    kind: 'gauge',
    unit: '{advice}',
    labels: ['decision'],
    help: 'Advice that stands in this process, by what it says to do; `millrace advise` has the words.',
  },
  exports: {
    name: 'millrace_instrumentation_exports_total',
    kind: 'counter',
    unit: '{delivery}',
    labels: ['exporter', 'signal', 'outcome'],
    help: 'Deliveries to a receiver of metrics or traces: sent, failed.',
  },
  spans: {
    name: 'millrace_instrumentation_spans_total',
    kind: 'counter',
    unit: '{span}',
    labels: ['outcome'],
    help: 'Spans of traces: sent; failed, where the receiver was away; dropped, where more were to be sent than are kept.',
  },
  processCpu: {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    unit: 's',
    labels: [],
    help: 'CPU time of the process, all threads.',
  },
  processMemory: {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Resident memory of the process.',
  },
  processStart: {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'When the process started, seconds since 1970 UTC.',
  },
  heapUsed: {
    name: 'nodejs_heap_used_bytes',
    kind: 'gauge',
    unit: 'By',
    labels: [],
    help: 'Used heap of the main thread.',
  },
  loopDelay: {
    name: 'nodejs_eventloop_lag_p99_seconds',
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'How late the main thread’s event loop was in the last 10 s, in 99 of 100 cases at most.',
  },
  loopDelayMax: {
    name: 'nodejs_eventloop_lag_max_seconds',
    kind: 'gauge',
    unit: 's',
    labels: [],
    help: 'How late the main thread’s event loop was in the last 10 s at worst.',
  },
  loopUtilization: {
    name: 'nodejs_eventloop_utilization_ratio',
    kind: 'gauge',
    unit: '1',
    labels: [],
    help: 'Share of time that the main thread’s event loop was busy in the last 10 s.',
  },
} as const satisfies Record<string, MetricSpec>

/** Upper bounds of the histograms' buckets, in seconds. */
export const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
