import Type, { type Static } from 'typebox'

const Time = Type.String({ format: 'date-time' })
const Count = Type.Integer({ minimum: 0 })
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const Failure = Type.Object({ code: nullable(Type.String()), name: Type.String(), message: Type.String() })

/** A dead letter as it is listed: without its datum. */
export const Letter = Type.Object({
  letter: Type.Integer({ description: 'Its number.' }),
  state: Type.Enum(['dead', 'replayed', 'done', 'discarded', 'expired']),
  agent: Type.String(),
  version: Type.Integer(),
  topic: Type.String({ description: 'Where it died: for one that died in a replay, the agent’s replay topic.' }),
  partition: Type.Integer(),
  offset: Type.Integer(),
  data_id: Type.String(),
  error: Failure,
  fingerprint: Type.String({ description: 'Of the way in which it failed: that of its group.' }),
  attempts: Type.Integer(),
  at: Time,
  replays: Count,
  replayed: nullable(Time),
  edited: nullable(Type.Object({ times: Type.Integer(), by: Type.String(), at: Time })),
})
export type Letter = Static<typeof Letter>

/** `GET /v1/dead?agent=&version=&topic=&state=&data_id=&matching=&fingerprint=&after=&limit=100`: the newest first; the oldest with `after`. */
export const LettersAnswer = Type.Object({ letters: Type.Array(Letter) })
export type LettersAnswer = Static<typeof LettersAnswer>

/** Letters that failed in the same way. */
export const LetterGroup = Type.Object({
  fingerprint: Type.String(),
  agent: Type.String(),
  version: Type.Integer(),
  error: Failure,
  shape: Type.String({ description: 'The message without what differs from letter to letter.' }),
  count: Count,
  first: Time,
  last: Time,
  example: Type.Integer({ description: 'The newest letter.' }),
})
export type LetterGroup = Static<typeof LetterGroup>

/** `GET /v1/dead/groups?agent=&version=&topic=&data_id=&matching=`: those that are dead, the most frequent first. */
export const GroupsAnswer = Type.Object({ groups: Type.Array(LetterGroup) })
export type GroupsAnswer = Static<typeof GroupsAnswer>

/** A letter’s datum. One of `json` and `data` is there. */
export const LetterDatum = Type.Object({
  data_id: Type.String(),
  source: Type.String(),
  created: Time,
  content_type: Type.String(),
  key: nullable(Type.String()),
  parents: Type.Array(Type.String()),
  json: Type.Optional(Type.Unknown({ description: 'Decoded, where it is JSON.' })),
  data: Type.Optional(Type.String({ description: 'Base64, where it is not.' })),
  undecodable: Type.Optional(Type.String({ description: 'Why it does not decode although it is said to be JSON.' })),
})
export type LetterDatum = Static<typeof LetterDatum>

/** `GET /v1/dead/:letter`. */
export const ShownLetter = Type.Object({
  ...Letter.properties,
  stack: nullable(Type.String()),
  datum: Type.Union([LetterDatum, Type.Null()], { description: 'As a replay gives it to the agent; null once it has expired.' }),
  original: Type.Optional(
    Type.Union([LetterDatum, Type.Null()], { description: 'As it died, where a person has changed it since; null once it has expired.' }),
  ),
})
export type ShownLetter = Static<typeof ShownLetter>

/** `POST /v1/dead/:letter/edit {data: <base64>, content_type?, by?}`: refused where it is not dead any more, or on its way to the agent. */
export const EditedAnswer = Type.Object({ edited: Type.Array(Type.Integer()), refused: Type.Array(Type.Integer()) })
export type EditedAnswer = Static<typeof EditedAnswer>

/** `POST /v1/dead/replay {letters: [12, 13], by?}`: at once, 10,000 at most. */
export const ReplayedAnswer = Type.Object({ replayed: Type.Array(Type.Integer()), refused: Type.Array(Type.Integer()) })
export type ReplayedAnswer = Static<typeof ReplayedAnswer>

/** `POST /v1/dead/discard {letters: [12, 13], by?}`: for good. */
export const DiscardedAnswer = Type.Object({ discarded: Type.Array(Type.Integer()), refused: Type.Array(Type.Integer()) })
export type DiscardedAnswer = Static<typeof DiscardedAnswer>

/**
 * `POST /v1/dead/replays {agent?, version?, topic?, fingerprint?, matching?, letters?, rate?, by?}`: replays letters in this process, the oldest
 * first, at a rate; all that are dead where nothing is named. Answers a {@link LetterReplay}. It is watched by `GET /v1/dead/replays/:replay`
 * and ended by `POST /v1/dead/replays/:replay/cancel`, which both answer one, too.
 */
export const LetterReplay = Type.Object({
  replay: Type.Integer(),
  state: Type.Enum(['running', 'complete', 'cancelled', 'failed']),
  what: Type.String({ description: 'Which letters, for people: "those of forecast that failed as 3f2a91c0".' }),
  by: Type.String(),
  rate: Type.Union([Type.Number(), Type.Null()], { description: 'At most so many a second; null: as many as can be.' }),
  started: Time,
  ended: nullable(Time),
  total: Type.Integer({ description: 'Letters that were dead and meant when it began.' }),
  replayed: Count,
  refused: Type.Integer({ description: 'Not dead any more when their turn came.' }),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it failed. What was not replayed is still dead.' }),
})
export type LetterReplay = Static<typeof LetterReplay>

/**
 * `GET /v1/dead/replays`: those of this process since it started, the newest first, 50 at most. A process that ends takes its replays with it:
 * each letter is as it says it is, and what was not replayed is still dead.
 */
export const LetterReplaysAnswer = Type.Object({ replays: Type.Array(LetterReplay) })
export type LetterReplaysAnswer = Static<typeof LetterReplaysAnswer>

/**
 * `POST /v1/dead/try {letter, data?: <base64>, content_type?}`: what the agent would make of a letter’s datum, or of other data in its place: its
 * schema first, then its handler, in a thread of its own. Nothing of it is kept; what the handler itself does outside, it does.
 */
export const TriedLetter = Type.Object({
  letter: Type.Integer(),
  agent: Type.String(),
  version: Type.Integer({ description: 'The version that was tried: the one that has the letter’s place now.' }),
  data_id: Type.String(),
  outcome: Type.Enum(['outputs', 'failure', 'untried']),
  /** Of `outputs`. One of `json` and `data` is there. */
  outputs: Type.Optional(
    Type.Array(
      Type.Object({
        to: Type.String({ description: 'Topic or cache.' }),
        key: nullable(Type.String()),
        json: Type.Optional(Type.Unknown()),
        data: Type.Optional(Type.String({ description: 'Base64.' })),
      }),
    ),
  ),
  error: Type.Optional(Type.String({ description: 'Of `failure`.' })),
  reason: Type.Optional(Type.String({ description: 'Of `untried`: why it cannot be tried, such as that its handler is a program.' })),
  without_past: Type.Boolean({ description: 'The agent has a window or a state, and was tried without any past but the datum itself.' }),
})
export type TriedLetter = Static<typeof TriedLetter>
