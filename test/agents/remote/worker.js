/* A worker that attaches by docs/protocol.md and does what each datum says (src/testing/remote-suite.ts). Like any that hangs it ends itself: whoever runs it starts it again. */
const { MILLRACE_URL: url, MILLRACE_AGENT: agent } = process.env
const post = (what, body) =>
  fetch(`${url}/v1/agents/${agent}/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

// A worker that is asked to end has nothing in hand but what it waits for.
process.on('SIGTERM', () => process.exit(0))
for (;;) {
  const response = await post('claim', { most: 200, wait_ms: 5_000 })
  if (response.status === 204) continue
  if (response.status !== 200) {
    console.error(await response.text())
    await new Promise(resolve => setTimeout(resolve, 50))
    continue
  }
  const { claim, timeout_ms, data } = await response.json()
  const stuck = setTimeout(() => process.exit(70), timeout_ms + 200)
  const results = []
  for (const item of data) results.push(await follow(item))
  clearTimeout(stuck)
  const committed = await post('commit', { claim, results: results.toReversed() })
  if (committed.status !== 200) console.error(await committed.text())
  else await committed.arrayBuffer()
}

async function follow({ n, data, attempt, window, state }) {
  if (data.do === 'die') process.exit(7)
  if (data.do === 'hang') await new Promise(() => undefined)
  if (data.do === 'fail') return { n, error: { name: 'ValueError', message: data.message } }
  if (data.do === 'block') return { n, error: { blocked_on: data.on } }
  if (data.do === 'final') return { n, error: { name: 'ValueError', message: data.message, retryable: false } }
  if (data.do === 'many') return { n, outputs: Array.from({ length: data.count }, (_, i) => ({ n: i })) }
  return { n, outputs: data.do === 'echo' ? [{ n: data.n, attempt, window, state }] : [] }
}
