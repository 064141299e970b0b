import { expect, it, vi } from 'vitest'
import { openRedis } from '../../../src/trace/adapters/redis/index.ts'

vi.mock('redis', () => {
  throw Object.assign(new Error("Cannot find package 'redis'"), { code: 'ERR_MODULE_NOT_FOUND' })
})

it('says what to install where the client of Redis is missing', async () => {
  await expect(openRedis({ servers: [{ host: '127.0.0.1', port: 1 }] })).rejects.toMatchObject({
    code: 'CLIENT_MISSING',
    fix: 'Run: npm install redis',
  })
})
