import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { agent, cache, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { DOCUMENTED } from '../../src/console/openapi/document.ts'
import { temporaryFolder } from '../storage/lake.ts'
import { listen } from './ops.ts'

const schema = z.object({ station: z.string(), megawatts: z.number() })
const demand = topic('demand', schema, { partitions: 1, key: d => d.station })
const prediction = topic('prediction', schema, { partitions: 1 })
const latest = cache('latest', schema, { key: d => d.station })
const forecast = agent('forecast', { version: 2, from: demand, to: [prediction, latest] }, () => [])
const grid = pipeline('grid', { agents: [forecast] })

const EVENTS = ['/v1/events', '/v1/topics/{topic}/tail']

/** The schema of a route's good answer; undefined where it is no JSON. */
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>
}

test('every route below /v1 is documented', () => {
  const folder = join(import.meta.dirname, '../../src/console/routes')
  const routes = readdirSync(folder).flatMap(file => {
    const text = readFileSync(join(folder, file), 'utf8')
    return [...text.matchAll(/\.(get|post|delete|put)(?:<(?:[^<>]|<[^<>]*>)*>)?\(\s*'(\/v1\/[^']+)'/g)].map(
      ([, method = '', path]) => `${method.toUpperCase()} ${path}`,
    )
  })
  expect(routes.length).toBeGreaterThan(40)
  expect(routes.filter(route => DOCUMENTED[route] === undefined)).toEqual([])
})

test('what GET routes of a running pipeline answer is what the document says', async () => {
  const keysFile = join(await temporaryFolder(), 'keys.json')
  await using ops = await listen(['demand', 'prediction'], { pipeline: grid, keysFile, compare: async () => COMPARED })
  const [id] = await ops.scene.send('demand', 'CE', '{"station":"CE","megawatts":1}', '{"station":"FR"}')
  await ops.scene.work(
    forecast,
    ['demand'],
    ({ key, data }) => (data.includes('FR') ? new Error('no') : [{ topic: 'prediction', key, data }]),
    { cache: [{ cache: 'latest', key: 'CE', value: '1' }] },
  )
  const params: Readonly<Record<string, string>> = {
    id: id ?? '',
    topic: 'demand',
    agent: 'forecast',
    name: 'latest',
    key: 'CE',
    letter: '1',
  }
  const { json: document } = await ops.get('/openapi.json')
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: expect.any(String) } })
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const wrong: string[] = []
  let validated = 0
  for (const [path, methods] of Object.entries<Readonly<Record<string, Operation>>>(document.paths)) {
    const operation = methods.get
    const answer = operation?.responses['200']?.content?.['application/json']?.schema
    if (operation === undefined || answer === undefined || EVENTS.includes(path) || path.includes('{replay}')) continue
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '')
    const { status, json } = await ops.get(path === '/v1/compare' ? `${url}?first=forecast@1&second=forecast@2` : url)
    const validate = ajv.compile(answer)
    if ((status !== 200 && status !== 503) || !validate(json)) wrong.push(`${url}: ${status} ${ajv.errorsText(validate.errors)}`)
    validated++
  }
  expect(wrong).toEqual([])
  expect(validated).toBeGreaterThan(20)
  expect((await ops.get('/')).text).toContain('GET /v1/data/:id ')
})

test('questions and refusals are in it, too', async () => {
  await using ops = await listen(['demand'], { pipeline: grid })
  const { paths } = (await ops.get('/openapi.json')).json
  const { parameters, responses }: Operation = paths['/v1/topics/{topic}/tail'].get
  expect(parameters?.map(parameter => `${parameter.in} ${parameter.name}`).sort()).toEqual([
    ...['path topic', 'query from', 'query rate', 'query where'],
  ])
  expect(Object.keys(responses.default?.content ?? {})).toEqual(['application/problem+json'])
  // Nobody decides about versions here.
  expect(paths['/v1/versions/promote']).toBeUndefined()
  expect(JSON.stringify(paths)).not.toContain('"~')
})

const COMPARED = { versions: [{ agent: 'forecast@1', shadow: false }], handled: 0, compared: 0, topics: [] }
