import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readRuntimeFile, removeRuntimeFile, writeRuntimeFile } from '../../src/runtime/runtime-file.ts'

const running = {
  pid: process.pid,
  listen: 'http://127.0.0.1:1',
  ops: 'http://127.0.0.1:2',
  pass: 'secret',
  pipeline: 'grid',
  file: '/grid.ts',
  startedMs: 1,
}
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

it('says where a running process listens, until it stops', () => {
  writeRuntimeFile(directory, running)
  expect(readRuntimeFile(directory)).toEqual(running)
  // It has a secret in it.
  expect(statSync(join(directory, 'runtime.json')).mode & 0o777).toBe(0o600)
  removeRuntimeFile(directory)
  expect(readRuntimeFile(directory)).toBeUndefined()
})

it('counts as none when the process that wrote it is gone', () => {
  writeRuntimeFile(directory, { ...running, pid: 2 ** 22 + 1 })
  expect(readRuntimeFile(directory)).toBeUndefined()
})

it('counts as none when it is damaged', () => {
  writeFileSync(join(directory, 'runtime.json'), '{"pid":')
  expect(readRuntimeFile(directory)).toBeUndefined()
})
