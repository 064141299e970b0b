/* The service of the remote agent that the fault tests kill: the numbers of each window, as docs/protocol.md says. Argument: its port on loopback. */
import { createServer } from 'node:http'

createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', text => {
    body += text
  })
  request.on('end', async () => {
    const results = JSON.parse(body).data.map(({ n, data, window }) => ({
      n,
      outputs: [{ station: data.station, of: window.map(held => held.n) }],
    }))
    // In two parts, so that it may be killed between them.
    const text = JSON.stringify({ results })
    response.write(text.slice(0, text.length / 2))
    await new Promise(resolve => setTimeout(resolve, 2))
    response.end(text.slice(text.length / 2))
  })
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'))
