import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, installed, kafkaJars } from './cache.ts'

let found: string | undefined

/**
 * Where the archive of Kafka's loaded classes is kept, with which it starts in half the time (Java's class data sharing). Java takes
 * one only of its own version and for jars that have not changed, without a word if they have; so both are in the name.
 */
export function kafkaArchive(): string {
  if (found !== undefined) return found
  const jars = kafkaJars()
  const hash = createHash('sha256')
  // Java prints its version on stderr with -version, and on stdout with --version.
  hash.update(execFileSync(installed('java'), ['--version'], { encoding: 'utf8' }))
  hash.update(jars)
  for (const name of readdirSync(jars).sort()) {
    const { size, mtimeMs } = statSync(join(jars, name))
    hash.update(`${name} ${size} ${Math.trunc(mtimeMs)}\n`)
  }
  found = cacheFolder(`kafka-${hash.digest('hex').slice(0, 16)}.jsa`)
  return found
}
