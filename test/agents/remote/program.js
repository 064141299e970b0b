/* A program of docs/protocol.md that does what each datum says (src/testing/remote-suite.ts), and more. By arguments: `silent` never says hello, `ends` ends at once, `foreign` speaks another version. */
import { createInterface } from 'node:readline'

const [, , how = ''] = process.argv
const say = message => process.stdout.write(`${JSON.stringify(message)}\n`)
let stuck = false

if (how === 'ends') {
  process.stderr.write('No module named mood\n')
  process.exit(3)
}
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line)
  if (stuck) continue
  if (message.type === 'hello' && how !== 'silent') say({ type: 'hello', protocol: how === 'foreign' ? 99 : 1, name: 'test program' })
  if (message.type === 'ping') say({ type: 'pong' })
  if (message.type === 'drain') process.exit(0)
  if (message.type === 'batch') {
    process.stderr.write(`batch of ${message.data.length}\n`)
    const results = message.data.flatMap(item => resultOf(item) ?? [])
    // Out of order: whoever reads them goes by their n.
    if (results.length > 0) say({ type: 'results', results: results.toReversed() })
  }
}

function resultOf({ n, data, data_base64, attempt, window, state, data_id, topic }) {
  if (stuck) return undefined
  if (data_base64 !== undefined) return { n, outputs: [{ bytes: Buffer.from(data_base64, 'base64').length }] }
  if (data.do === 'die') process.exit(7)
  if (data.do === 'hang') stuck = true
  if (data.do === 'stop') process.kill(process.pid, 'SIGSTOP')
  if (data.do === 'print') process.stdout.write(`${data.text}\n`)
  if (data.do === 'stray') return { n: n + 1_000, outputs: [] }
  if (data.do === 'fail') return { n, error: { name: 'ValueError', message: data.message } }
  if (data.do === 'final') return { n, error: { name: 'ValueError', message: data.message, retryable: false } }
  if (data.do === 'block') return { n, error: { message: 'refused', blocked_on: data.on } }
  if (data.do === 'none') return { n, outputs: [] }
  if (data.do === 'many') return { n, outputs: Array.from({ length: data.count }, (_, i) => ({ n: i })) }
  if (data.do === 'echo') return { n, outputs: [{ n: data.n, attempt, window, state }] }
  return stuck ? undefined : { n, outputs: [{ ...data, pid: process.pid, attempt, data_id, topic }] }
}
