/* What mean-program.js does, as a worker that attaches over HTTP. Says on stdout what it has in hand: `claimed`, `committed`, `refused`. */
const { MILLRACE_URL: url, MILLRACE_AGENT: agent } = process.env
const say = text => process.stdout.write(`${text}\n`)
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const post = (what, body) => fetch(`${url}/v1/agents/${agent}/${what}`, { method: 'POST', body: JSON.stringify(body) })
let commits = 0

for (;;) {
  const claimed = await post('claim', { most: 60, wait_ms: 2_000 }).catch(() => undefined)
  if (claimed?.status !== 200) {
    // Nothing came, or nobody is there: the runner is being started again.
    await claimed?.arrayBuffer()
    if (claimed?.status !== 204) await pause(30)
    continue
  }
  const { claim, data } = await claimed.json().catch(() => ({}))
  if (claim === undefined) continue
  say('claimed')
  const results = data.map(({ n, data, window }) => ({ n, outputs: [{ station: data.station, of: window.map(held => held.n) }] }))
  // In two parts, so that one may be lost when it is killed between them.
  const half = Math.floor(results.length / 2)
  let isOurs = half === 0 || (await commit({ claim, results: results.slice(half) }))
  await pause(5)
  isOurs = isOurs && (await commit({ claim, results: half === 0 ? results : results.slice(0, half) }))
  say(isOurs ? 'committed' : 'refused')
}

async function commit(body) {
  // Some are sent twice, as by one whose reply was lost.
  const times = ++commits % 5 === 0 ? 2 : 1
  let status = 0
  for (let time = 0; time < times; time++) {
    const response = await post('commit', body).catch(() => undefined)
    status = response?.status ?? 0
    await response?.arrayBuffer().catch(() => undefined)
  }
  return status === 200
}
