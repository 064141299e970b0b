import { AdviceAnswer } from '../api/advice.ts'
import { AgentAnswer, CompareAnswer } from '../api/agents.ts'
import { Life, SearchAnswer } from '../api/data.ts'
import { GroupsAnswer, LetterReplay, LetterReplaysAnswer, LettersAnswer, ShownLetter } from '../api/dead.ts'
import { HealthAnswer } from '../api/health.ts'
import { LedgerAnswer } from '../api/ledger.ts'
import { KeysAnswer, ProducersAnswer } from '../api/producers.ts'
import { AuditAnswer, Session } from '../api/session.ts'
import { TopicAnswer } from '../api/topics.ts'
import * as answers from './answers.ts'
import { type DocumentedRoutes, EVENTS, TEXT } from './route.ts'

const OF_PRODUCER = { source: 'the producer, where the id is one that it gave' }
const WHEN = 'a time (2026-01-31T08:00:00Z), or so long ago (10m)'
const WHERE = 'a condition, such as station=CE or megawatts>500; may be repeated'
const OF_LETTERS = { agent: 'name', version: 'number', topic: 'name', data_id: 'UUID', matching: 'text in its message' }

/** Routes that change nothing. */
export const LOOKING: DocumentedRoutes = {
  'GET /v1/health': { summary: 'ready or why not, the ledger in short, objectives, disk, process', answer: HealthAnswer },
  'GET /v1/topics': { summary: 'topics, partitions, rates, retention', answer: answers.TopicsAnswer },
  'GET /v1/topics/:topic': { summary: 'one: rates by partition, skew by key, its JSON schema', answer: TopicAnswer },
  'GET /v1/topics/:topic/tail': {
    summary: 'data as they go by, as server-sent events: docs/api.md',
    query: { from: `earliest, latest, ${WHEN}`, where: WHERE, rate: 'shown a second, 50, at most 500' },
    answer: EVENTS,
  },
  'GET /v1/agents': { summary: 'agents: how they are and why, totals, rates, lag', answer: answers.AgentsAnswer },
  'GET /v1/agents/:agent': { summary: 'one: its versions side by side, what is in hand, failures, log', answer: AgentAnswer },
  'GET /v1/flow': { summary: 'how fast data move now', answer: answers.FlowAnswer },
  'GET /v1/events': { summary: 'all of this live, as server-sent events: docs/api.md', answer: EVENTS },
  'GET /v1/ledger': { summary: 'given, done, dead, duplicate, lost: by agent and partition', answer: LedgerAnswer },
  'GET /v1/advice': { summary: 'what to scale, and whether what was done helped', answer: AdviceAnswer },
  'GET /v1/data': {
    summary: 'find data, the newest first',
    query: {
      ...{ id: 'data_id, or with source the id that it gave', source: 'producer or agent', key: 'key', topic: 'name' },
      ...{ from: WHEN, to: WHEN, where: WHERE, limit: '50, at most 500', before: 'more of the answer before' },
    },
    answer: SearchAnswer,
  },
  'GET /v1/data/:id': {
    summary: 'one datum’s life: what is in it, its relatives, each step, where it was stored',
    query: OF_PRODUCER,
    answer: Life,
  },
  'GET /v1/trace/:id': { summary: 'where is my datum?', query: OF_PRODUCER, answer: answers.TraceAnswer },
  'GET /v1/lineage/:id': {
    summary: 'where it came from, what became of it',
    query: { ...OF_PRODUCER, depth: 'generations, 10', limit: 'data, 1000' },
    answer: answers.LineageAnswer,
  },
  'GET /v1/cache/:name': { summary: 'the latest value of every key', answer: answers.CacheAnswer },
  'GET /v1/cache/:name/:key': { summary: 'of one', answer: answers.CacheEntryAnswer },
  'GET /v1/compare': {
    summary: 'how the outputs of two versions differ',
    query: { first: 'forecast@1', second: 'forecast@2', last: WHEN, limit: 'data, 10000', examples: '5' },
    answer: CompareAnswer,
  },
  'GET /v1/dead': {
    summary: 'dead letters, the newest first',
    query: { ...OF_LETTERS, state: 'dead, replayed, done, discarded, expired', fingerprint: 'of a group', after: 'letter', limit: '100' },
    answer: LettersAnswer,
  },
  'GET /v1/dead/groups': { summary: 'those that are dead, by how they failed', query: OF_LETTERS, answer: GroupsAnswer },
  'GET /v1/dead/:letter': { summary: 'one, with its datum', answer: ShownLetter },
  'GET /v1/dead/replays': { summary: 'replays of letters by this process', answer: LetterReplaysAnswer },
  'GET /v1/dead/replays/:replay': { summary: 'one, with how far it is', answer: LetterReplay },
  'GET /v1/replays': { summary: 'replays of data: who asked for what, and how far they are', answer: answers.ReplaysAnswer },
  'GET /v1/producers': { summary: 'who sends what, and what comes of it', answer: ProducersAnswer },
  'GET /v1/keys': { summary: 'the producers’ keys, without their secrets', answer: KeysAnswer },
  'GET /v1/session': { summary: 'who asks, and may do what', answer: Session },
  'GET /v1/audit': { summary: 'what was done, by whom', query: { limit: '100' }, answer: AuditAnswer },
  'GET /metrics': { summary: 'Prometheus', answer: TEXT },
  'GET /health/live': { summary: 'is it alive?', answer: answers.Report },
  'GET /health/ready': { summary: 'does it take data and handle them?', answer: answers.Report },
}
