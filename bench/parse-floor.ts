/** The floor of batch ingest: a bare `node:http` server that only parses and validates the lines of each body, and stores nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from './child.ts'
import { reading } from './data.ts'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    let valid = 0
    for (const line of Buffer.concat(chunks).toString('utf8').split('\n')) if (reading.safeParse(JSON.parse(line)).success) valid++
    const reply = Buffer.from(JSON.stringify({ accepted: valid }))
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': reply.length })
    response.end(reply)
  })
})
server.listen(0, '127.0.0.1', () => {
  serve({ port: (server.address() as AddressInfo).port }, {}, async () => {
    server.closeAllConnections()
    server.close()
  })
})
