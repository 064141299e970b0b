/** The floor of batch ingest: a bare `node:http` server that only parses and validates the lines of each body, stores nothing, and answers as long a reply as their receipts. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from './child.ts'
import { reading } from './data.ts'

const RECEIPT = { line: 10, data_id: '01980000-0000-7000-8000-000000000000', topic: 'reading', partition: 0, status: 'accepted' }
/** By the number of lines. */
const replies = new Map<number, Buffer>()

function replyTo(lines: number): Buffer {
  let reply = replies.get(lines)
  if (reply === undefined) {
    reply = Buffer.from(JSON.stringify({ accepted: lines, duplicate: 0, rejected: 0, retry: 0, receipts: Array(lines).fill(RECEIPT) }))
    replies.set(lines, reply)
  }
  return reply
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    let valid = 0
    for (const line of Buffer.concat(chunks).toString('utf8').split('\n')) if (reading.safeParse(JSON.parse(line)).success) valid++
    const reply = replyTo(valid)
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
