import { describe, expect, it } from 'vitest'
import { Project } from './project.ts'

const GOOD = `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
import { factor } from './lib/factor.ts'
const demand = topic('demand', z.object({ megawatts: z.number() }))
const twice = topic('twice', z.number())
const double = agent('double', { version: 1, from: demand, to: twice }, datum => datum.megawatts * factor)
export default pipeline('grid', { agents: [double] })
`

/** Loads pipeline.ts and prints what came of it, as JSON. */
const LOAD = `
import { loadPipeline } from 'src:runtime/load.ts'
try {
  const loaded = await loadPipeline('pipeline.ts')
  console.log(JSON.stringify({ name: loaded.name, agents: [...loaded.agents.keys()], entries: loaded.entries.map(topic => topic.name) }))
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}
`

async function load(files: Record<string, string>): Promise<Record<string, unknown> & { message: string }> {
  using project = new Project(files)
  return JSON.parse((await project.run(LOAD)).replaceAll(project.folder, '.'))
}

describe('loadPipeline', () => {
  it('loads a TypeScript file from a folder that has no millrace of its own', async () => {
    const loaded = await load({ 'pipeline.ts': GOOD, 'lib/factor.ts': 'export const factor: number = 2' })
    expect(loaded).toMatchObject({ name: 'grid', agents: ['double@1'], entries: ['demand'] })
  })

  it('says that there is no such file, and what to name', async () => {
    const failed = await load({})
    expect(failed).toMatchObject({ code: 'PIPELINE_NOT_FOUND' })
    expect(failed.message).toContain('There is no file ./pipeline.ts.')
    expect(failed.message).toContain('millrace dev pipeline.ts')
  })

  it.each([
    [
      'a syntax error',
      { 'pipeline.ts': 'export const a = 1\nexport default const x = (' },
      './pipeline.ts:2: SyntaxError: Expression expected',
    ],
    [
      'a syntax error three files down',
      { 'pipeline.ts': GOOD, 'lib/factor.ts': "import './deep.ts'", 'lib/deep.ts': '\n\n}' },
      './lib/deep.ts:3: SyntaxError',
    ],
    [
      'TypeScript that is not only types',
      { 'pipeline.ts': '\nenum Colour { red }\nexport default 1' },
      './pipeline.ts:2: SyntaxError: TypeScript enum',
    ],
    [
      'an error thrown while it loads',
      { 'pipeline.ts': '\nfoo.bar()\nexport default 1' },
      './pipeline.ts:2:1: ReferenceError: foo is not defined',
    ],
    [
      'a declaration that is wrong',
      { 'pipeline.ts': "import { topic } from 'millrace'\n\ntopic('a b', 1)" },
      './pipeline.ts:3:1: TypeError: topic "a b"',
    ],
    [
      'an import that is not exported',
      { 'pipeline.ts': GOOD, 'lib/factor.ts': 'export const factr = 1' },
      "./pipeline.ts:4: SyntaxError: The requested module './lib/factor.ts' does not provide an export named 'factor'",
    ],
    [
      'a module of the user’s that is not there',
      { 'pipeline.ts': GOOD },
      "Cannot find module './lib/factor.ts' imported from ./pipeline.ts",
    ],
    ['a package that is not installed', { 'pipeline.ts': "import 'valibott'" }, 'npm install valibott'],
    [
      'TypeScript that is more than types',
      { 'pipeline.ts': 'enum A { B }\nexport default 1' },
      'in place of an enum write a union of strings',
    ],
    [
      'a module that is taken for CommonJS',
      { 'package.json': '{"type":"commonjs"}', 'pipeline.ts': "import './lib.js'", 'lib.js': "import 'node:fs'" },
      './lib.js:1: SyntaxError: Cannot use import statement outside a module. Node takes it for CommonJS. Say that it is a module: npm pkg set type=module',
    ],
    [
      'an error that ends with a question',
      { 'pipeline.ts': "throw new TypeError('did you mean shadow?')" },
      'TypeError: did you mean shadow?',
    ],
    ['a value that is thrown and no error', { 'pipeline.ts': 'throw 7' }, './pipeline.ts threw the number 7'],
    ['nothing exported', { 'pipeline.ts': 'export const a = 1' }, './pipeline.ts exports nothing by default, not a pipeline'],
    [
      'something else exported',
      { 'pipeline.ts': 'export default { agents: [] }' },
      './pipeline.ts exports an object by default, not a pipeline',
    ],
  ])('names file and line of %s', async (_what, files, message) => {
    const failed = await load(files as Record<string, string>)
    expect(failed.code).toBe('PIPELINE_BROKEN')
    expect(failed.message).toContain(message)
    expect(failed.message).not.toMatch(/[.?!]\./)
  })

  it('passes on what the graph says of itself', async () => {
    const twice = GOOD.replace('agents: [double]', 'agents: [double, double]')
    const failed = await load({ 'pipeline.ts': twice, 'lib/factor.ts': 'export const factor = 2' })
    expect(failed).toMatchObject({ code: 'GRAPH_INVALID' })
    expect(failed.message).toContain('double@1')
  })
})

describe('a later generation', () => {
  it('loads every module of the user’s anew, JSON too, and dependencies and CommonJS once', async () => {
    using project = new Project({
      'pipeline.ts': `${GOOD}
import { z as same } from 'zod'
import { createRequire } from 'node:module'
import settings from './settings.json' with { type: 'json' }
import old from './old.cjs'
export const seen = { factor, zod: same, setting: settings.a, old }
`,
      'lib/factor.ts': "import { base } from './base.ts'\nexport const factor = base",
      'lib/base.ts': 'export const base = 1',
      'settings.json': '{"a":1}',
      'old.cjs': 'module.exports = require("./older.cjs")',
      'older.cjs': 'module.exports = 1',
    })
    const out = await project.run(`
      import { writeFileSync } from 'node:fs'
      import { pathToFileURL } from 'node:url'
      import { generationUrl, loadedUserFiles } from 'src:runtime/generations.ts'
      import { loadPipeline } from 'src:runtime/load.ts'
      const seen = async n => (await import(generationUrl(pathToFileURL('pipeline.ts').href, n))).seen
      await loadPipeline('pipeline.ts')
      const first = await seen(0)
      writeFileSync('lib/base.ts', 'export const base = 2')
      writeFileSync('settings.json', '{"a":2}')
      writeFileSync('older.cjs', 'module.exports = 2')
      const unchanged = await seen(0)
      const again = await loadPipeline('pipeline.ts', 1)
      const second = await seen(1)
      console.log(JSON.stringify({
        factors: [first.factor, unchanged.factor, second.factor],
        settings: [first.setting, second.setting],
        commonJs: [first.old, second.old],
        sameZod: first.zod === second.zod,
        kinds: [...again.topics.values()].map(topic => topic.kind),
        files: loadedUserFiles().map(path => path.slice(process.cwd().length + 1)).sort(),
      }))
    `)
    expect(JSON.parse(out)).toEqual({
      factors: [1, 1, 2],
      settings: [1, 2],
      commonJs: [1, 1],
      sameZod: true,
      kinds: ['topic', 'topic'],
      files: ['lib/base.ts', 'lib/factor.ts', 'old.cjs', 'older.cjs', 'pipeline.ts', 'settings.json'],
    })
  })
})
