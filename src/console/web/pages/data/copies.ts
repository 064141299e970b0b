import type { ShownDatum } from '../../../api/topics.ts'
import { shellWord } from '../../parts/shell.ts'

/** A text to be copied, or why there is none. */
export type Copyable = { readonly text: string } | { readonly why: string }

// For the shell to fill in.
const URL_OF_FRONT_END = `"\${MILLRACE_URL:-http://127.0.0.1:7070}`
/** Nothing where there is no key. */
const KEY = `\${MILLRACE_KEY:+-H "authorization: Bearer $MILLRACE_KEY"}`
const CUT: Copyable = { why: 'The console has only the beginning of this datum: export the topic for all of it.' }

/** Sends the same datum again, as a new one. The front end's address and key come from the environment, as `millrace send` takes them. */
export function curlText({ topic, content_type, json, data, cut }: ShownDatum): Copyable {
  if (cut !== undefined) return CUT
  const to = `curl -X POST ${URL_OF_FRONT_END}/v1/topics/${encodeURIComponent(topic)}" ${KEY} -H ${shellWord(`content-type: ${content_type}`)}`
  if (json === undefined) return { text: `printf %s ${shellWord(data ?? '')} | base64 -d | ${to} --data-binary @-` }
  return isJson(content_type) ? { text: `${to} --data-raw ${shellWord(JSON.stringify(json))}` } : { text: asJson(topic, json) }
}

/** What is not JSON on the wire, such as MessagePack, is sent as JSON: its topic takes the same value so. */
function asJson(topic: string, json: unknown): string {
  return `curl -X POST ${URL_OF_FRONT_END}/v1/topics/${encodeURIComponent(topic)}" ${KEY} -H 'content-type: application/json' --data-raw ${shellWord(JSON.stringify(json))}`
}

export function sendText({ topic, json, cut }: ShownDatum): Copyable {
  if (cut !== undefined) return CUT
  if (json === undefined) return { why: 'millrace send takes JSON, and this datum is not: curl sends its bytes.' }
  const text = JSON.stringify(json)
  // A datum that begins like a flag, such as -5, needs to be told from one.
  return { text: `millrace send --topic ${shellWord(topic)} ${text.startsWith('-') ? '-- ' : ''}${shellWord(text)}` }
}

/** For `testPipeline`: what was sent, by whom and when. The topic is named as a pipeline's file would export it. */
export function fixtureText({ topic, source, created, data_id, content_type, json, data, cut }: ShownDatum): Copyable {
  if (cut !== undefined) return CUT
  const value = json === undefined ? `Buffer.from(${quoted(data ?? '')}, 'base64')` : JSON.stringify(json, null, 2)
  const note = json === undefined ? ` (${content_type})` : ''
  return {
    text: `// ${data_id} of ${topic}${note}\nawait run.send(${variableOf(topic)}, ${value}, { source: ${quoted(source)}, createdMs: Date.parse(${quoted(created)}) })\n`,
  }
}

function isJson(contentType: string): boolean {
  return /^application\/(json|[^;]+\+json)\b/i.test(contentType)
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
}

/** `demand-prediction` is `demandPrediction`. */
function variableOf(topic: string): string {
  const name = topic.replace(/[^A-Za-z0-9]+(.)?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '')
  return /^[A-Za-z]/.test(name) ? name : `topic${name}`
}
