import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { MillraceError } from '../../src/errors.ts'
import { addKey, listKeys, revokedKeys, revokeKey, rotateKey } from '../../src/frontend/keys.ts'
import { agent, pipeline, topic } from '../../src/index.ts'
import { open, until } from './door.ts'

const READING = '{"station":"a","megawatts":1}'
const PATH = '/v1/topics/demand'
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

let directory: string
let keysFile: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-keys-'))
  keysFile = join(directory, 'keys.json')
})
afterEach(() => rmSync(directory, { recursive: true }))

test('only the hash of a key is kept, in a file for its owner only', async () => {
  const { key, record } = await addKey(keysFile, { source: 'plant-1', topics: ['demand'] })
  const [id, secret] = key.split('.')
  expect(id).toBe(record.id)
  expect(Buffer.from(secret!, 'base64url').length * 8).toBeGreaterThanOrEqual(128)
  expect(readFileSync(keysFile, 'utf8')).not.toContain(secret)
  expect(statSync(keysFile).mode & 0o777).toBe(0o600)
  expect(await listKeys(keysFile)).toEqual([record])
})

test('keys that are added at the same moment are all kept', async () => {
  await Promise.all(Array.from({ length: 8 }, (_, i) => addKey(keysFile, { source: `s${i}`, topics: '*' })))
  expect((await listKeys(keysFile)).map(key => key.source).sort()).toEqual(Array.from({ length: 8 }, (_, i) => `s${i}`))
})

test('a key without topics, or with a source that cannot be one, is not made', async () => {
  await expect(addKey(keysFile, { source: 'a', topics: [] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  for (const source of ['', 'a\nb', 'x'.repeat(256)]) {
    await expect(addKey(keysFile, { source, topics: '*' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  }
})

test('with keys, nothing is taken without one; what is wrong with one is not told', async () => {
  const { key } = await addKey(keysFile, { source: 'plant-1', topics: ['demand'] })
  const { key: expired } = await addKey(keysFile, { source: 'old', topics: '*', expiresMs: Date.now() - 1 })
  await using door = await open({ keysFile })
  const missing = await door.post(PATH, READING)
  expect(missing).toMatchObject({ status: 401, body: { code: 'KEY_MISSING' } })
  expect(missing.headers.get('www-authenticate')).toBe('Bearer')
  const [id, secret] = key.split('.')
  const wrong = [
    `${id}.${secret!.slice(1)}`,
    `${id}.`,
    `${id}`,
    `x.${secret}`,
    '.',
    expired,
    `${key}${'x'.repeat(2000)}`,
    `${id}.${'A'.repeat(43)}`,
  ]
  const said = new Set<string>()
  for (const guess of wrong) {
    const { status, body } = await door.post(PATH, READING, bearer(guess))
    expect([guess, status, body.code]).toEqual([guess, 401, 'KEY_INVALID'])
    said.add(body.detail)
  }
  expect(said.size).toBe(1)
  expect((await door.post(PATH, READING, { authorization: `Basic ${key}` })).status).toBe(401)
  expect((await door.post(PATH, READING, bearer(key))).status).toBe(202)
  expect(await door.stored('demand')).toHaveLength(1)
})

test('the source is the key’s, whatever the producer says', async () => {
  const { key } = await addKey(keysFile, { source: 'plant-1', topics: ['demand'] })
  await using door = await open({ keysFile })
  await door.post(PATH, READING, { ...bearer(key), 'millrace-source': 'plant-2' })
  expect((await door.stored('demand'))[0]!.source).toBe('plant-1')
  const envelope = JSON.stringify({ source: 'plant-2', data: btoa(READING) })
  const sent = await door.post(PATH, envelope, { ...bearer(key), 'content-type': 'application/vnd.millrace.envelope+json' })
  expect(sent).toMatchObject({ status: 422, body: { issues: [{ path: 'source' }] } })
})

test('a key writes to its topics; one for all, to those that no agent writes', async () => {
  const input = topic('input', z.object({}))
  const output = topic('output', z.object({}))
  const pass = agent('pass', { version: 1, from: input, to: output }, datum => datum)
  const { key: one } = await addKey(keysFile, { source: 'a', topics: ['output'] })
  const { key: all } = await addKey(keysFile, { source: 'b', topics: '*' })
  await using door = await open({ keysFile, pipeline: pipeline('p', { agents: [pass] }) })
  const status = async (name: string, key: string) => (await door.post(`/v1/topics/${name}`, '{}', bearer(key))).status
  expect([await status('input', one), await status('output', one)]).toEqual([403, 202])
  expect([await status('input', all), await status('output', all)]).toEqual([202, 403])
  const byType = JSON.stringify({ type: 'input', data: btoa('{}') })
  const sent = await door.post('/v1/data', byType, { ...bearer(one), 'content-type': 'application/vnd.millrace.envelope+json' })
  expect(sent).toMatchObject({ status: 403, body: { code: 'TOPIC_FORBIDDEN' } })
})

test('a key that is added or revoked while the front end runs counts within a second, on open connections too', async () => {
  const { key, record } = await addKey(keysFile, { source: 'a', topics: '*' })
  await using door = await open({ keysFile })
  const status = async (with_: string) => (await door.post(PATH, READING, bearer(with_))).status
  expect(await status(key)).toBe(202)
  const { key: second } = await addKey(keysFile, { source: 'b', topics: '*' })
  await until(async () => (await status(second)) === 202)
  expect(await revokeKey(keysFile, record.id)).toMatchObject({ id: record.id, source: 'a', revoked: expect.any(String) })
  await until(async () => (await status(key)) === 401)
  expect(await revokeKey(keysFile, record.id)).toBeUndefined()
})

test('a rotated key goes on for its grace beside the new one of the same rights, and ends then', async () => {
  const { key, record } = await addKey(keysFile, { source: 'a', topics: ['demand'] })
  await using door = await open({ keysFile })
  const status = async (with_: string) => (await door.post(PATH, READING, bearer(with_))).status
  const { key: next, record: made } = await rotateKey(keysFile, record.id, 800)
  expect(made).toMatchObject({ source: 'a', topics: ['demand'], rotates: record.id })
  await until(async () => (await status(next)) === 202)
  expect(await status(key)).toBe(202)
  await until(async () => (await status(key)) === 401)
  expect(await status(next)).toBe(202)
  await expect(rotateKey(keysFile, record.id, 0)).rejects.toMatchObject({ code: 'KEY_OVER' })
  await expect(rotateKey(keysFile, 'knone', 0)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' })
})

test('a rotated key never outlives its own end, and the new one lasts as long as it was made for', async () => {
  const { record } = await addKey(keysFile, { source: 'a', topics: '*', expiresMs: 10_000 }, 0)
  const { record: made } = await rotateKey(keysFile, record.id, 60_000, 4_000)
  expect(made.expires).toBe(new Date(14_000).toISOString())
  expect((await listKeys(keysFile))[0]!.expires).toBe(new Date(10_000).toISOString())
  await expect(rotateKey(keysFile, made.id, 0, 14_000)).rejects.toMatchObject({ code: 'KEY_OVER' })
})

test('of a revoked key nothing is left that a Millrace which knows no revoked ones could take for a key', async () => {
  const { record } = await addKey(keysFile, { source: 'a', topics: '*' })
  await revokeKey(keysFile, record.id)
  const { keys, revoked } = JSON.parse(readFileSync(keysFile, 'utf8'))
  expect(keys).toEqual([])
  expect(revoked).toEqual([{ id: record.id, source: 'a', topics: '*', created: record.created, revoked: expect.any(String) }])
  expect(await revokedKeys(keysFile)).toEqual(revoked)
})

test('revoking the last key does not open the door', async () => {
  const { key, record } = await addKey(keysFile, { source: 'a', topics: '*' })
  await using door = await open({ keysFile })
  await revokeKey(keysFile, record.id)
  await until(async () => (await door.post(PATH, READING, bearer(key))).status === 401)
  expect((await door.post(PATH, READING)).status).toBe(401)
})

test('a key file that breaks while the front end runs leaves the keys of before in force, and is told', async () => {
  const { key } = await addKey(keysFile, { source: 'a', topics: '*' })
  await using door = await open({ keysFile })
  writeFileSync(keysFile, '{"keys": [')
  await until(() => door.front.health().reason !== undefined)
  expect(door.front.health()).toMatchObject({ ready: true, keys: 1, reason: expect.stringContaining(keysFile) })
  expect((await door.post(PATH, READING, bearer(key))).status).toBe(202)
})

test('without a key it listens for this machine only, and the error says what to do', async () => {
  const opening = open({ keysFile, listen: { host: '0.0.0.0', port: 0 } })
  await expect(opening).rejects.toThrow(/millrace keys add/)
  await expect(opening).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  expect(await opening.catch(error => error)).toBeInstanceOf(MillraceError)
  await addKey(keysFile, { source: 'a', topics: '*' })
  await using door = await open({ keysFile, listen: { host: '0.0.0.0', port: 0 } })
  expect(door.front.health().keyless).toBe(false)
})

test('without keys a web page and a name that was made to point here are refused, programs are not', async () => {
  await using door = await open()
  const ask = async (headers: string) =>
    (
      await door.connect().send(`POST ${PATH} HTTP/1.1\r\ncontent-length: ${READING.length}\r\n${headers}\r\n\r\n${READING}`).answer()
    ).slice(9, 12)
  expect(await ask('host: evil.example')).toBe('401')
  expect(await ask('host: localhost:7070\r\norigin: https://evil.example')).toBe('401')
  expect(await ask('host: localhost:7070\r\norigin: null')).toBe('401')
  expect(await ask('host: localhost:7070\r\norigin: http://localhost:5173')).toBe('202')
  expect(await ask('host: [::1]:7070')).toBe('202')
})
