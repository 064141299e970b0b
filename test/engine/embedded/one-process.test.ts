import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()

test('a data directory is opened once; the error names the process that has it', async () => {
  const at = directory()
  await open({ directory: at })
  const error = await refused('opening it twice', 'DATA_DIRECTORY_LOCKED', () => openEmbedded({ directory: at }))
  expect(error.message).toContain(`process ${process.pid}`)
})

test('it can be opened again once it was closed', async () => {
  const at = directory()
  await (await openEmbedded({ directory: at })).close()
  await open({ directory: at })
})

test('the lock ends with the process that holds it, however it dies', async () => {
  const at = directory()
  const child = spawn(process.execPath, [...process.execArgv, new URL('./appending-process.ts', import.meta.url).pathname, at], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const error = await refused('opening what another process has', 'DATA_DIRECTORY_LOCKED', () => openEmbedded({ directory: at }))
  expect(error.message).toContain(`process ${child.pid}`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await eventually('the directory is free', async () => open({ directory: at }))
})
