import { randomUUID } from 'node:crypto'
import { describe, it } from 'vitest'
import { placingByNote, sharedTraceSuite } from '../../src/testing/shared-trace-suite.ts'
import { traceSuite } from '../../src/testing/trace-suite.ts'
import { openRedis, redisOptions } from '../../src/trace/adapters/redis/index.ts'
import { servers } from '../servers/shared.ts'

const framework = { describe, it }

function opening(query: string) {
  return async () => {
    const options = redisOptions(`${servers().redis}?prefix=${randomUUID()}:&${query}`)
    const opened = [await openRedis(options)]
    return {
      subject: opened[0]!,
      async reopen() {
        await opened.at(-1)!.close()
        opened.push(await openRedis(options))
        return opened.at(-1)!
      },
      dispose: async () => {
        for (const trace of opened) await trace.close()
      },
    }
  }
}

const readable = { open: opening('layout=readable') }
traceSuite(framework, 'Redis', { ...readable, place: placingByNote(), durable: true, recognisesCopies: true })
sharedTraceSuite(framework, 'Redis', readable)

const packed = { open: opening('layout=packed'), terse: true as const }
traceSuite(framework, 'Redis, packed', { ...packed, place: placingByNote(), durable: true, recognisesCopies: true })
sharedTraceSuite(framework, 'Redis, packed', packed)
