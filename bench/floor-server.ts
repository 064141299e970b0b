/** The floor: a bare `node:http` server that drains each body and answers as long a reply as a receipt. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from './child.ts'

const REPLY = Buffer.from(
  JSON.stringify({ data_id: '01980000-0000-7000-8000-000000000000', topic: 'reading', partition: 0, status: 'accepted' }),
)
const server = createServer((request, response) => {
  request.on('data', () => {})
  request.on('end', () => {
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': REPLY.length })
    response.end(REPLY)
  })
})
server.listen(0, '127.0.0.1', () => {
  serve({ port: (server.address() as AddressInfo).port }, {}, async () => {
    server.closeAllConnections()
    server.close()
  })
})
