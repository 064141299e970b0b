import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const MAX_LINES = 400
const CODE_FOLDERS = ['src', 'test', 'bench', 'examples', 'scripts', 'bin']
/** Packages that a user installs only with the adapter which needs them: nothing that the root entry reaches may import one. */
const OPTIONAL_CLIENTS =
  /^(@platformatic\/kafka|redis|pg|pg-copy-streams|cassandra-driver|hyparquet-writer|@duckdb\/|@aws-sdk\/|openid-client|@opentelemetry\/exporter-(metrics|trace)-otlp-)/

/**
 * The floors of the house, the ground first; a file is on the floor of the longest prefix that it matches. A file imports from its own
 * floor or one below it. Beside each other on one floor stand parts that never import each other, unless they are one `together`.
 */
const FLOORS: readonly { readonly name: string; readonly together: boolean; readonly files: readonly string[] }[] = [
  {
    name: 'ground',
    together: true,
    files: [
      'src/errors.ts',
      'src/clock.ts',
      'src/count.ts',
      'src/options.ts',
      'src/duration.ts',
      'src/patience.ts',
      'src/token-bucket.ts',
      'src/envelope/',
    ],
  },
  {
    name: 'contracts and declarations',
    together: true,
    files: [
      'src/stream/',
      'src/trace/trace.ts',
      'src/engine/engine.ts',
      'src/agents/agent.ts',
      'src/agents/policies.ts',
      'src/agents/remote.ts',
      'src/agents/cache.ts',
      'src/agents/ready-outputs.ts',
      'src/agents/windows/',
      'src/agents/dead-letter.ts',
      'src/agents/replay.ts',
      'src/agents/running.ts',
      'src/agents/shadow.ts',
      'src/storage/storage.ts',
      'src/instrumentation/recorder.ts',
      'src/engine/failpoint.ts',
      'src/pipeline.ts',
      'src/objectives/',
      'src/versions/',
    ],
  },
  { name: 'what stores share', together: true, files: ['src/storage/formats/', 'src/storage/rows/'] },
  {
    name: 'parts, engines and adapters',
    together: false,
    files: [
      'src/agents/',
      'src/trace/',
      'src/instrumentation/',
      'src/frontend/',
      'src/storage/',
      'src/storage/adapters/files/',
      'src/storage/adapters/postgres/',
      'src/storage/adapters/s3/',
      'src/storage/adapters/sqlite/',
      'src/stream/adapters/kafka/',
      'src/stream/adapters/memory/',
      'src/trace/adapters/redis/',
      'src/trace/adapters/memory/',
      'src/engine/embedded/',
      'src/engine/distributed/',
    ],
  },
  {
    name: 'the operators’ side, and what tests run pipelines with',
    together: false,
    files: ['src/console/', 'src/compare/', 'src/testing/', 'src/transfer/'],
  },
  { name: 'what joins the parts', together: true, files: ['src/runtime/'] },
  { name: 'the public face', together: true, files: ['src/index.ts'] },
  { name: 'the command line', together: true, files: ['src/cli/'] },
]

interface Source {
  readonly path: string
  readonly text: string
}

/** An import that is there when the code runs, and one that only the compiler sees. */
interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
  /** `import()`: only reached when it is used. */
  readonly onUse: boolean
}

const sources = CODE_FOLDERS.flatMap(folder => filesOf(join(ROOT, folder)))
const code = sources.filter(({ path }) => /\.(ts|js|mjs)$/.test(path))
const imports = code.filter(({ path }) => path.startsWith('src/')).flatMap(importsOf)

function filesOf(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map(entry => {
      const path = join(entry.parentPath, entry.name)
      return { path: relative(ROOT, path), text: readFileSync(path, 'utf8') }
    })
}

function importsOf({ path, text }: Source): Import[] {
  const found: Import[] = []
  const add = (target: string, typeOnly: boolean, onUse: boolean) => {
    const to = target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), target)) : target
    found.push({ from: path, to, typeOnly, onUse })
  }
  for (const match of text.matchAll(/^(?:import|export) (type )?([^'\n]*(?:\n[^';\n]+)*? from )?'([^']+)'/gm)) {
    const names = /\{([^}]*)\}/
      .exec(match[2] ?? '')?.[1]
      ?.split(',')
      .map(name => name.trim())
      .filter(Boolean)
    const onlyTypes =
      names !== undefined && names.length > 0 && !/^\s*\w+\s*,/.test(match[2] ?? '') && names.every(n => n.startsWith('type '))
    add(match[3]!, match[1] !== undefined || onlyTypes, false)
  }
  for (const match of text.matchAll(/[^.\w]import\('([^']+)'\)/g)) add(match[1]!, false, true)
  return found
}

/** The floor's number and the part's prefix. */
function placeOf(path: string): { floor: number; part: string } | undefined {
  let best: { floor: number; part: string } | undefined
  for (const [floor, { files }] of FLOORS.entries()) {
    for (const part of files) if (path.startsWith(part) && part.length > (best?.part.length ?? 0)) best = { floor, part }
  }
  return best
}

describe('the floors', () => {
  it('every source file is on one', () => {
    expect(code.filter(({ path }) => path.startsWith('src/') && placeOf(path) === undefined).map(({ path }) => path)).toEqual([])
  })

  it('nothing imports upward, and parts of one floor do not import each other', () => {
    const wrong = imports.flatMap(({ from, to }) => {
      const [above, below] = [placeOf(from), placeOf(to)]
      if (above === undefined || below === undefined || above.part === below.part) return []
      if (below.floor < above.floor) return []
      const floor = FLOORS[above.floor]!
      if (below.floor === above.floor && floor.together) return []
      return [`${from} (${floor.name}) imports ${to} (${FLOORS[below.floor]!.name})`]
    })
    expect(wrong).toEqual([])
  })

  it('there is no circle', () => {
    const next = new Map<string, string[]>()
    for (const { from, to, typeOnly, onUse } of imports)
      if (!typeOnly && !onUse && to.startsWith('src/')) next.set(from, [...(next.get(from) ?? []), to])
    const finished = new Set<string>()
    const circles: string[] = []
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      if (finished.has(path) || trail.includes(path)) return
      for (const to of next.get(path) ?? []) visit(to, [...trail, path])
      finished.add(path)
    }
    for (const path of next.keys()) visit(path, [])
    expect(circles).toEqual([])
  })

  it('the root entry reaches no optional client, and no test framework is reached by anything published', () => {
    const reached = new Set(['src/index.ts'])
    for (const path of reached) {
      for (const { from, to, typeOnly } of imports) if (from === path && !typeOnly) reached.add(to)
    }
    expect([...reached].filter(to => OPTIONAL_CLIENTS.test(to))).toEqual([])
    expect(
      imports.filter(({ to }) => /^(vitest|fast-check|playwright|@playwright)/.test(to)).map(({ from, to }) => `${from}: ${to}`),
    ).toEqual([])
  })
})

describe('every file', () => {
  const offending = (test: (source: Source) => boolean, among = code) => among.filter(test).map(({ path }) => path)

  it(`has at most ${MAX_LINES} lines`, () => {
    expect(offending(({ text }) => text.split('\n').length - 1 > MAX_LINES)).toEqual([])
  })

  it('is named for what it is: no utils, helpers, common, misc, manager', () => {
    expect(offending(({ path }) => /(^|[/\-.])(utils?|helpers?|common|misc|managers?)([/\-.]|$)/i.test(path), sources)).toEqual([])
  })

  it('trusts the compiler: no any, nothing ignored, no enum, nothing swallowed', () => {
    const rules: readonly [string, RegExp][] = [
      // Biome refuses `any` unless it is told not to look, which a test may that reads an answer member by member. Assembled, so that this file does not break its own rules.
      ['any', new RegExp(`biome-${'ignore'}[^\n]*noExplicitAny`)],
      ['ts-ignore', new RegExp(`@ts-${'ignore'}|@ts-${'nocheck'}`)],
      ['enum', /^(export )?(const )?enum /m],
      ['empty catch', /catch( \(\w+\))? \{\s*\}/],
      ['skipped test', new RegExp(`\\b(it|describe|test)\\.(${'skip'}|${'only'}|todo)\\b`)],
    ]
    const broken = code.flatMap(({ path, text }) => {
      return rules
        .filter(([name, rule]) => rule.test(text) && !(name === 'any' && path.startsWith('test/')))
        .map(([name]) => `${path}: ${name}`)
    })
    expect(broken).toEqual([])
  })

  it('names no path of one machine', () => {
    const machine = new RegExp(`(^|[^\\w./])/(${['work', 'home', 'root', 'Users'].join('|')})/`)
    expect(
      offending(
        ({ text }) => machine.test(text),
        sources.filter(({ path }) => !/\.(png|csv|gz)$/.test(path)),
      ),
    ).toEqual([])
  })
})
