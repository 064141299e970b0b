import { isInstalled } from './cache.ts'
import { has, run } from './run.ts'
import type { Step } from './step.ts'

/** A Debian package that has `program`; apt starts its `service` as it installs it, and nobody asked for that. */
export function debianPackage(name: string, program: string, how: string, service?: string): Step {
  return { name, how: `by apt-get, ${how}`, present: () => isInstalled(program), install: () => install(name, service) }
}

let updated = false

function install(name: string, service: string | undefined): void {
  if (!has('apt-get')) throw new Error(`${name} is missing, and this is no Debian: install it as your system does, so that it is in PATH.`)
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  if (asRoot.length > 0) {
    try {
      run('sudo', ['-n', 'true'])
    } catch (cause) {
      throw new Error(`${name} is missing, and installing it needs root. Run: sudo apt-get install ${name}`, { cause })
    }
  }
  const apt = (...args: string[]) => {
    const [program, ...rest] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args]
    run(program!, rest)
  }
  if (!updated) apt('update')
  updated = true
  apt('install', '-y', '--no-install-recommends', name)
  if (service === undefined) return
  const [program, ...rest] = [...asRoot, 'service', service, 'stop']
  run(program!, rest)
}
