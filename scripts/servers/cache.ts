/** Where installed servers are kept. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export const KAFKA_VERSION = '4.1.1'
export const SCALA_VERSION = '2.13'

/** `$MILLRACE_SERVERS/millrace-servers`, else in the user's cache folder: outside the checkout, so that every checkout shares it. */
export function cacheFolder(...parts: readonly string[]): string {
  const base = process.env.MILLRACE_SERVERS || process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(base, 'millrace-servers', ...parts)
}

/** The path of an installed program. @throws where it is not installed. */
export function installed(program: string): string {
  const places = [cacheFolder('bin'), ...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/sbin', ...debianPostgres()]
  for (const place of places) if (existsSync(join(place, program))) return join(place, program)
  throw new Error(`${program} is not installed. Run: npm run servers:install`)
}

export function isInstalled(program: string): boolean {
  try {
    return installed(program) !== ''
  } catch {
    return false
  }
}

/** The folder with Kafka's jars. @throws where it is not installed. */
export function kafkaJars(): string {
  const folder = cacheFolder('kafka')
  if (!existsSync(join(folder, `kafka_${SCALA_VERSION}-${KAFKA_VERSION}.jar`)))
    throw new Error(`Kafka ${KAFKA_VERSION} is not installed. Run: npm run servers:install`)
  return folder
}

/** Debian keeps initdb and postgres out of PATH, in one folder for each version; the newest first. */
function debianPostgres(): string[] {
  const folder = '/usr/lib/postgresql'
  if (!existsSync(folder)) return []
  const versions = readdirSync(folder).filter(name => statSync(join(folder, name)).isDirectory())
  return versions.sort((a, b) => Number(b) - Number(a)).map(version => join(folder, version, 'bin'))
}
