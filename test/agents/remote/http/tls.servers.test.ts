import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { http } from '../../../../src/agents/remote/index.ts'
import { systemClock } from '../../../../src/clock.ts'
import { handOver } from '../../../../src/testing/hand-over.ts'
import { makeCertificates } from '../../../servers/certificates.ts'
import type { Item } from '../item.ts'

it('a service whose certificate nobody vouches for is not spoken to; once its authority is known its data go there', async () => {
  const { ca, server } = makeCertificates()
  let asked = 0
  const service = createServer({ cert: server.cert, key: server.key }, async (request, response) => {
    asked++
    let body = ''
    for await (const text of request.setEncoding('utf8')) body += text
    const { data } = JSON.parse(body) as { data: Item[] } // what http() sends
    response.end(JSON.stringify({ results: data.map(({ n, data }) => ({ n, outputs: [data] })) }))
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  const { port } = service.address() as AddressInfo // of a server that listens on TCP
  const held: (string | undefined)[] = []
  const facts = { name: 'mood', version: 1, to: [], addressed: false, timeoutMs: 5_000, clock: systemClock }
  const remote = http(`https://localhost:${port}/`, { private: true }).open(facts, {
    held: error => held.push(error?.message),
    log: () => undefined,
  })
  onTestFinished(async () => {
    await remote.stop(0)
    service.closeAllConnections()
    service.close()
  })

  const answer = handOver(remote, 'x')
  await expect
    .poll(() => held.at(-1))
    .toMatch(/cannot be reached: .*certificate.* Name the authority that signed its certificate in NODE_EXTRA_CA_CERTS/)
  expect(asked).toBe(0)

  const trusted = getCACertificates('default')
  onTestFinished(() => setDefaultCACertificates(trusted))
  setDefaultCACertificates([...trusted, ca])
  expect(await answer).toEqual(['x'])
  expect(held.at(-1)).toBeUndefined()
})
