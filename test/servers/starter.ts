/** Starts a server, prints its port, and lives until it is killed. */
import { startRedis } from './redis.ts'

const { port } = await startRedis()
process.stdout.write(`${port}\n`)
