export { openRedis } from './open.ts'
export type { RedisAddress, RedisOptions } from './options.ts'
export { type RedisSecrets, redisOptions } from './url.ts'
