import Type from 'typebox'
import { PauseAnswer } from '../api/agents.ts'
import { DiscardedAnswer, EditedAnswer, LetterReplay, ReplayedAnswer, TriedLetter } from '../api/dead.ts'
import { Key, NewKey } from '../api/producers.ts'
import { LogInCode, Session } from '../api/session.ts'
import { DecisionAnswer } from './answers.ts'
import { type DocumentedRoutes, TEXT } from './route.ts'

const by = Type.Optional(Type.String({ description: 'Who does it, where nobody logs in.' }))
const agent = Type.String({ description: 'forecast@2' })
const letters = Type.Array(Type.Integer())
const positions = Type.Array(Type.Array(Type.Integer()), { description: '[first, end), rising.' })
const data = Type.String({ description: 'Base64' })

/** Routes that change something: an operator's, with the CSRF token where a cookie says who asks. */
export const CHANGING: DocumentedRoutes = {
  'POST /v1/dead/:letter/edit': {
    summary: 'replays give this datum from now on',
    body: Type.Object({ data, content_type: Type.Optional(Type.String()), by }),
    answer: EditedAnswer,
  },
  'POST /v1/dead/replay': {
    summary: 'letters go to their agents again, at once',
    body: Type.Object({ letters, by }),
    answer: ReplayedAnswer,
  },
  'POST /v1/dead/discard': { summary: 'letters are given up, for good', body: Type.Object({ letters, by }), answer: DiscardedAnswer },
  'POST /v1/dead/replays': {
    summary: 'this process replays letters, at a rate',
    body: Type.Object({
      agent: Type.Optional(Type.String()),
      version: Type.Optional(Type.Integer()),
      topic: Type.Optional(Type.String()),
      fingerprint: Type.Optional(Type.String()),
      matching: Type.Optional(Type.String()),
      letters: Type.Optional(letters),
      rate: Type.Optional(Type.Number()),
      by,
    }),
    answer: LetterReplay,
  },
  'POST /v1/dead/replays/:replay/cancel': { summary: 'ends such a replay', answer: LetterReplay },
  'POST /v1/dead/try': {
    summary: 'what the agent would make of a letter’s datum',
    body: Type.Object({ letter: Type.Integer(), data: Type.Optional(data), content_type: Type.Optional(Type.String()) }),
    answer: TriedLetter,
  },
  'POST /v1/replays': {
    summary: 'begins a replay of data, for millrace replay',
    body: Type.Object({
      agent: Type.String(),
      version: Type.Integer(),
      what: Type.String(),
      ranges: Type.Array(Type.Object({ topic: Type.String(), partition: Type.Integer(), first: Type.Integer(), end: Type.Integer() })),
      key: Type.Optional(Type.String()),
      rate: Type.Optional(Type.Number()),
      by,
    }),
    answer: Type.Object({ replay: Type.Integer() }),
  },
  'POST /v1/replays/:replay/data': {
    summary: 'puts a portion of it again',
    body: Type.Object({ range: Type.Integer(), positions }),
    answer: Type.Object({}),
  },
  'POST /v1/replays/:replay/end': {
    summary: 'ends it',
    body: Type.Object({ complete: Type.Boolean(), fates: Type.Optional(Type.Record(Type.String(), Type.Integer())) }),
    answer: Type.Object({}),
  },
  'POST /v1/versions/promote': {
    summary: 'a shadow takes over',
    body: Type.Object({ agent, replaces: Type.Optional(Type.Integer()), by }),
    answer: DecisionAnswer,
  },
  'POST /v1/versions/ramp': {
    summary: 'another share of the keys',
    body: Type.Object({ agent, share: Type.Number({ minimum: 0, maximum: 1 }), by }),
    answer: DecisionAnswer,
  },
  'POST /v1/versions/decommission': {
    summary: 'ends an agent for good, or takes that back',
    body: Type.Object({ agent, now: Type.Optional(Type.Boolean()), undo: Type.Optional(Type.Boolean()), by }),
    answer: DecisionAnswer,
  },
  'POST /v1/agents/pause': { summary: 'an agent takes no more data', body: Type.Object({ agent, by }), answer: PauseAnswer },
  'POST /v1/agents/resume': { summary: 'it goes on', body: Type.Object({ agent, by }), answer: PauseAnswer },
  'POST /v1/keys': {
    summary: 'makes a key for a producer',
    body: Type.Object({
      source: Type.String(),
      topics: Type.Union([Type.Array(Type.String()), Type.Literal('*')]),
      expires: Type.Optional(Type.String()),
    }),
    answer: NewKey,
  },
  'POST /v1/keys/:id/rotate': {
    summary: 'a new one for the same producer; the old one ends after a grace',
    body: Type.Object({ grace: Type.Optional(Type.String({ description: '1h' })) }),
    answer: NewKey,
  },
  'POST /v1/keys/:id/revoke': { summary: 'ends it now', answer: Key },
  'POST /v1/session': { summary: 'logs in with a token', body: Type.Object({ token: Type.String() }), answer: Session },
  'DELETE /v1/session': { summary: 'logs out', answer: TEXT },
  'POST /v1/session/code': { summary: 'a link that logs a browser in, once', answer: LogInCode },
}
