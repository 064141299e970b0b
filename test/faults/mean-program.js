/* The program of the remote agent that the fault tests kill: the numbers of each window, as docs/protocol.md says. */
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [, , pids] = process.argv
const say = message => process.stdout.write(`${JSON.stringify(message)}\n`)

for await (const line of createInterface({ input: process.stdin })) {
  const { type, data } = JSON.parse(line)
  if (type === 'hello') {
    appendFileSync(pids, `${process.pid}\n`)
    say({ type: 'hello', protocol: 1, name: 'mean' })
  } else if (type === 'ping') say({ type: 'pong' })
  else if (type === 'batch') {
    const results = data.map(({ n, data, window }) => ({ n, outputs: [{ station: data.station, of: window.map(held => held.n) }] }))
    // In two parts, so that one may be lost when it is killed between them.
    const half = Math.floor(results.length / 2)
    if (half > 0) say({ type: 'results', results: results.slice(half) })
    await new Promise(resolve => setTimeout(resolve, 2))
    say({ type: 'results', results: results.slice(0, half || 1) })
  }
}
