/* A service of docs/protocol.md that does what each datum says (src/testing/remote-suite.ts). Argument: its port on loopback. */
import { createServer } from 'node:http'

createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', text => {
    body += text
  })
  request.on('end', () => {
    const results = JSON.parse(body).data.map(resultOf)
    // One that hangs takes what came with it along: a reply is for all of them.
    if (results.includes(undefined)) return
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ type: 'results', results: results.toReversed() }))
  })
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'))

function resultOf({ n, data, attempt, window, state }) {
  if (data.do === 'die') process.exit(7)
  if (data.do === 'hang') return undefined
  if (data.do === 'fail') return { n, error: { name: 'ValueError', message: data.message } }
  if (data.do === 'block') return { n, error: { blocked_on: data.on } }
  if (data.do === 'final') return { n, error: { name: 'ValueError', message: data.message, retryable: false } }
  if (data.do === 'many') return { n, outputs: Array.from({ length: data.count }, (_, i) => ({ n: i })) }
  if (data.do === 'echo') return { n, outputs: [{ n: data.n, attempt, window, state }] }
  return { n, outputs: [] }
}
