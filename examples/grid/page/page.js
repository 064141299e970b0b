/** The live page: polls the operators' listener, which serves it. Unchanged caches answer 304 and cost nothing. */
const HEAT_MS = 5000
const DEMAND_MS = 1000
const FLOW_MS = 2000
const POINTS = 150

const tags = new Map()

/** The JSON at `path`, or undefined where it has not changed or is not there yet. */
async function poll(path) {
  const response = await fetch(path, { cache: 'no-store', headers: tags.has(path) ? { 'if-none-match': tags.get(path) } : {} })
  if (response.status === 304 || response.status === 404) return undefined
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  const tag = response.headers.get('etag')
  if (tag) tags.set(path, tag)
  return response.json()
}

const state = document.getElementById('state')
const away = new Set()

/** Runs `work` every `ms`, one at a time; says so when the pipeline does not answer. */
async function every(ms, name, work) {
  for (;;) {
    try {
      await work()
      away.delete(name)
    } catch (error) {
      away.add(name)
      state.title = String(error)
    }
    state.className = away.size > 0 ? 'away' : ''
    state.textContent = away.size > 0 ? 'the pipeline does not answer; trying again' : `live · ${new Date().toLocaleTimeString()}`
    await new Promise(resolve => setTimeout(resolve, ms))
  }
}

// ---- Flow

every(FLOW_MS, 'flow', async () => {
  const [flow, agents] = await Promise.all([poll('/v1/flow'), poll('/v1/agents')])
  if (flow === undefined || agents === undefined) return
  const cards = [
    ...flow.topics.filter(t => !t.topic.startsWith('_')).map(t => [`${rate(t.in_per_second)}/s`, `into ${t.topic}`]),
    ...agents.agents.map(a => [`${rate(a.handled_per_second)}/s`, `${a.agent}@${a.version} · ${place(a)}`]),
  ]
  const box = document.getElementById('flow')
  while (box.children.length > cards.length) box.lastChild.remove()
  cards.forEach(([figure, label], i) => {
    const card = box.children[i] ?? box.appendChild(document.createElement('div'))
    if (card.children.length === 0) card.append(document.createElement('strong'), document.createElement('span'))
    card.children[0].textContent = figure
    card.children[1].textContent = label
  })
})

function place(agent) {
  // Where other processes run it, how far behind it is says how they do.
  if (agent.state !== 'running' && agent.state !== 'elsewhere') return agent.state
  if (agent.lag === 0) return 'up to date'
  return `${agent.lag.toLocaleString()} ${agent.kind === 'storage-agent' ? 'for the next files' : 'behind'}`
}

function rate(value) {
  return value >= 100 ? Math.round(value).toLocaleString() : value.toFixed(1)
}

// ---- Demand against prediction

const select = document.getElementById('station')
const history = []

every(DEMAND_MS, 'demand', async () => {
  const cache = await poll('/v1/cache/demand-against-prediction')
  if (cache === undefined) return
  const stations = Object.values(cache.entries)
  if (select.options.length - 1 < stations.length) {
    const chosen = select.value
    select.replaceChildren(
      new Option('all stations', ''),
      ...stations.map(s => new Option(s.station)).sort((a, b) => (a.value < b.value ? -1 : 1)),
    )
    select.value = chosen
  }
  history.push(new Map(stations.map(s => [s.station, s])))
  if (history.length > POINTS) history.shift()
  drawDemand()
})
select.addEventListener('change', drawDemand)
addEventListener('resize', drawDemand)

function drawDemand() {
  const points = history
    .map(poll => {
      const chosen = select.value === '' ? [...poll.values()] : [poll.get(select.value)].filter(Boolean)
      const compared = chosen.filter(s => s.predicted !== null)
      return {
        demand: sum(compared.map(s => s.megawatts)),
        predicted: sum(compared.map(s => s.predicted)),
        at: chosen.at(-1)?.at,
        count: compared.length,
      }
    })
    .filter(point => point.count > 0)
  const last = points.at(-1)
  document.getElementById('demand-now').textContent = last
    ? `· ${last.at.replace('T', ' ')} · ${Math.round(last.demand).toLocaleString()} MW against ${Math.round(last.predicted).toLocaleString()} MW`
    : '· waiting for the first forecasts…'
  const canvas = document.getElementById('demand')
  const scale = devicePixelRatio
  canvas.width = canvas.clientWidth * scale
  canvas.height = canvas.clientHeight * scale
  const pen = canvas.getContext('2d')
  pen.scale(scale, scale)
  const [left, right, top, bottom] = [70, 8, 8, 20]
  const width = canvas.clientWidth - left - right
  const height = canvas.clientHeight - top - bottom
  if (points.length < 2) return
  const values = points.flatMap(p => [p.demand, p.predicted])
  const high = Math.max(...values) * 1.05
  const low = Math.min(...values) * 0.9
  const y = value => top + height * (1 - (value - low) / (high - low || 1))
  const x = i => left + (width * i) / (POINTS - 1)
  pen.font = '12px system-ui'
  pen.fillStyle = getComputedStyle(document.querySelector('.note')).color
  pen.strokeStyle = getComputedStyle(document.querySelector('section')).borderTopColor
  for (let i = 0; i <= 4; i++) {
    const value = low + ((high - low) * i) / 4
    pen.fillText(`${Math.round(value).toLocaleString()}`, 4, y(value) + 4)
    line(pen, [
      [left, y(value)],
      [left + width, y(value)],
    ])
  }
  pen.lineWidth = 2
  pen.strokeStyle = getComputedStyle(document.querySelector('.key.demand')).backgroundColor
  line(
    pen,
    points.map((p, i) => [x(i), y(p.demand)]),
  )
  pen.strokeStyle = getComputedStyle(document.querySelector('.key.predicted')).backgroundColor
  pen.setLineDash([5, 4])
  line(
    pen,
    points.map((p, i) => [x(i), y(p.predicted)]),
  )
}

function line(pen, points) {
  pen.beginPath()
  for (const [px, py] of points) pen.lineTo(px, py)
  pen.stroke()
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

// ---- Heatmap

every(HEAT_MS, 'heat', async () => {
  const cache = await poll('/v1/cache/station-averages')
  if (cache === undefined) return
  const stations = Object.values(cache.entries).sort((a, b) => (a.station < b.station ? -1 : 1))
  const most = Math.max(...stations.map(s => s.average), 1)
  const heat = document.getElementById('heat')
  while (heat.children.length < stations.length) heat.append(document.createElement('i'))
  stations.forEach((s, i) => {
    const cell = heat.children[i]
    const share = Math.max(0, s.average / most)
    cell.style.background = `hsl(${220 - 200 * share} 75% ${62 - 14 * share}%)`
    cell.title = `${s.station}: ${s.average.toFixed(1)} MW on average of ${s.readings.toLocaleString()} readings, ${s.latest.toFixed(1)} MW now`
  })
  document.getElementById('heat-note').textContent =
    `${stations.length.toLocaleString()} stations, ${Math.round(sum(stations.map(s => s.readings))).toLocaleString()} readings; from 0 (blue) to ${Math.round(most).toLocaleString()} MW (red)`
})
