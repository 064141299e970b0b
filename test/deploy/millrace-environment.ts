import { type Config, resolveConfig } from '../../src/runtime/config.ts'
import { kafkaOptions } from '../../src/stream/adapters/kafka/url.ts'
import { redisOptions } from '../../src/trace/adapters/redis/url.ts'

/**
 * Reads a container's environment as Millrace does when it starts.
 * @returns the settings, and which of the container's `MILLRACE_` variables nothing asked for: misspelt ones, which would do nothing in silence.
 * @throws CONFIG_INVALID where a value cannot be used.
 */
export async function readEnvironment(env: Readonly<Record<string, string>>, cwd: string): Promise<{ config: Config; unread: string[] }> {
  const asked = new Set<string>()
  const watched = new Proxy(env, {
    get(target, name) {
      if (typeof name === 'string') asked.add(name)
      return Reflect.get(target, name)
    },
  })
  const config = await resolveConfig({ env: watched, cwd })
  if (config.connections !== undefined) {
    const { stream, trace } = config.connections
    kafkaOptions(stream.url, { pipeline: 'any', ...passwordOf(stream) })
    redisOptions(trace.url, passwordOf(trace))
  }
  return { config, unread: Object.keys(env).filter(name => name.startsWith('MILLRACE_') && !asked.has(name)) }
}

function passwordOf({ password }: { password?: string }): { password?: string } {
  return password === undefined ? {} : { password }
}
