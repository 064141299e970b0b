import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folder, millrace } from './millrace.ts'

const wrong = async (...args: string[]) => {
  const { code, stdout, stderr } = await millrace(args, { cwd: folder() })
  expect(stdout).toBe('')
  return `${code} ${stderr.trimEnd()}`
}

describe('a command used wrongly says what is wrong and what to do, and exits 2', () => {
  it.each([
    ['tapp', "2 error: Unknown command 'tapp'. Did you mean tap?\n  See: millrace --help"],
    ['dead lst', "2 error: Unknown command 'lst'. Did you mean list?\n  See: millrace dead --help"],
    ['dev', "2 error: Missing required argument 'file'.\n  See: millrace dev --help"],
    ['start a.ts b.ts', "2 error: Too many arguments for 'start'. Expected 1 argument but got 2.\n  See: millrace start --help"],
    ['dev a.ts --listen', "2 error: Option '--listen <address>' argument missing.\n  See: millrace dev --help"],
    [
      'start a.ts --listen nowhere',
      "2 error: --listen is \"nowhere\".\n  It must be an address such as '127.0.0.1:7070' or ':7070', its port from 0 to 65535.",
    ],
    ['check', "2 error: Missing required argument 'file'.\n  See: millrace check --help"],
    ['tap', "2 error: Missing required argument 'topic'.\n  See: millrace tap --help"],
    ['tap demand --lmit 3', "2 error: Unknown option '--lmit'. Did you mean --limit?\n  See: millrace tap --help"],
    ['tap demand --limit few', '2 error: --limit is "few".\n  It must be a whole number from 1.'],
    [
      'tap demand --from yesterday',
      '2 error: --from "yesterday" is no time.\n  It is earliest, latest, a time such as 2026-01-31T08:00:00Z, or so long ago, such as 10m.',
    ],
    [
      'tap demand --where station',
      '2 error: --where "station" is not a condition.\n  Write it as field=value, such as "station=CE" or "megawatts>500" (also !=, >=, <=, <, ~ for contains).',
    ],
    ['send {}', '2 error: send needs a topic.\n  Name it: --topic demand'],
    [
      'send --topic demand {station',
      '2 error: The datum is not JSON: {station\n  Quote it for the shell: millrace send --topic demand \'{"station": "a", "megawatts": 1}\'',
    ],
    ['send --topic demand {} --rate fast', '2 error: --rate is "fast".\n  It must be a number of data a second, above 0.'],
    ['send --topic demand {} --url here', '2 error: --url is "here".\n  It must be a URL such as http://127.0.0.1:7070.'],
    ['send --topic demand {} --format xml', '2 error: --format is "xml".\n  It must be json, ndjson or csv.'],
    ['send --topic demand {} --map megawatts', '2 error: --map is "megawatts".\n  It must be column=…, such as --map megawatts=mw.'],
    ['send --topic demand {} --types a=float', '2 error: --types names a type "float".\n  It must be text, number, boolean, json or auto.'],
    ['send --topic demand {} --give-up soon', "2 error: --give-up is \"soon\".\n  It must be a duration such as '30s' or '5m'."],
    [
      'send --topic demand none.ndjson',
      '3 error: There is no file {cwd}/none.ndjson.\n  Name a JSON, NDJSON or CSV file, - for stdin, or write the datum as JSON.',
    ],
    [
      'trace 12',
      "2 error: '12' is not a data_id, which is a UUID.\n  Take it from the receipt, or from millrace tap; for a producer's own id add --source <source>.",
    ],
    ['ledger now', "2 error: Too many arguments for 'ledger'. Expected 0 arguments but got 1.\n  See: millrace ledger --help"],
    ['dead show x', '2 error: The letter is "x".\n  It must be a whole number from 1.'],
    ['dead list --state gone', '2 error: --state is "gone".\n  It must be dead, replayed, done, discarded, expired or any.'],
    ['dead list --agent forecast@two', '2 error: The version in --agent is "two".\n  It must be a whole number from 1.'],
    [
      'dead replay',
      '2 error: dead replay needs to know which letters.\n  Give their numbers, or a filter (--agent, --topic, --matching, --id, --group), or --all: one of the three.',
    ],
    [
      'dead replay 1 --all',
      '2 error: dead replay needs to know which letters.\n  Give their numbers, or a filter (--agent, --topic, --matching, --id, --group), or --all: one of the three.',
    ],
    ['dead replay --all --rate none', '2 error: --rate is "none".\n  It must be how many a second, such as \'100/s\'.'],
    ['replay', '2 error: replay needs an agent.\n  Name it: millrace replay forecast@2 --from 1h'],
    ['replay --resume x', '2 error: --resume is "x".\n  It must be the number of a replay: millrace replay list'],
    ['dead discard --all', '2 error: Discarded data are gone for good, and there is no terminal to ask.\n  Add --yes.'],
    ['keys add', "2 error: Missing required argument 'source'.\n  See: millrace keys add --help"],
    [
      'keys add sensors',
      '2 error: The key may do nothing.\n  Name its topics with --topic demand, or give --all-topics; for a worker, --agent mood.',
    ],
    ['keys add sensors --topic a --all-topics', '2 error: --all-topics and --topic say different things.\n  Give one of them.'],
    ['keys add sensors --topic a --expires soon', "2 error: --expires is \"soon\".\n  It must be a duration such as '12h' or '30d'."],
    [
      'keys revoke kNone',
      "3 error: There is no key 'kNone' in {cwd}/.millrace/keys.json.\n  millrace keys list shows those that there are.",
    ],
  ])('millrace %s', async (line, expected) => {
    const cwd = folder()
    const { code, stdout, stderr } = await millrace(line.split(' '), { cwd })
    expect(stdout).toBe('')
    expect(`${code} ${stderr.trimEnd()}`).toBe(expected.replace('{cwd}', cwd))
  })

  it('and as one line of JSON with --json', async () => {
    const said = await wrong('tap', 'demand', '--limit', '0', '--json')
    expect(JSON.parse(said.slice(2))).toEqual({
      error: { code: 'USAGE', message: '--limit is "0".', fix: 'It must be a whole number from 1.' },
    })
  })

  it('and shows where in the code only with --debug', async () => {
    expect(await wrong('tap', 'demand', '--limit', '0')).not.toContain('    at ')
    expect(await wrong('tap', 'demand', '--limit', '0', '--debug')).toMatch(/\n {4}at .*tap\.ts:/)
  })
})

describe('where something is missing', () => {
  it.each([
    ['topics'],
    ['agents'],
    ['ledger'],
    ['dead list'],
    ['dead replay 1'],
    ['tap demand'],
    ['trace 01920000-0000-7000-8000-000000000000'],
  ])('millrace %s says that there is no data directory, and makes none', async line => {
    const cwd = folder()
    const { code, stdout, stderr } = await millrace(line.split(' '), { cwd })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain(join(cwd, '.millrace'))
    expect((await millrace(['topics'], { cwd })).code).toBe(3)
  })

  it.each([['dev'], ['start'], ['check']])('millrace %s says which file is not there', async command => {
    const cwd = folder()
    const { code, stderr } = await millrace([command, 'pipeline.ts'], { cwd })
    expect(code).toBe(3)
    expect(stderr).toBe(
      `error: There is no file ${join(cwd, 'pipeline.ts')}.\n  Name the file whose default export is the pipeline, such as: millrace dev pipeline.ts\n`,
    )
  })

  it('send says what to start when nothing listens', async () => {
    const args = ['send', '--topic', 'demand', '--url', 'http://127.0.0.1:9', '--give-up', '10ms', '{"a":1}']
    const { code, stdout, stderr } = await millrace(args, { cwd: folder() })
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toContain(
      'Is the pipeline running at http://127.0.0.1:9 (millrace dev pipeline.ts)? Run the same command again when it is.\n',
    )
  })
})

describe('where the data directory cannot be used', () => {
  it.each([['topics'], ['keys add sensors --all-topics']])('millrace %s says that it is a file', async line => {
    const cwd = folder()
    writeFileSync(join(cwd, '.millrace'), '')
    const { code, stderr } = await millrace(line.split(' '), { cwd })
    expect(code).not.toBe(0)
    expect(stderr).toContain(join(cwd, '.millrace'))
    expect(stderr).toContain('--data')
    expect(stderr).not.toContain('should not happen')
  })

  it('a file that is no log of Millrace is named', async () => {
    const cwd = folder()
    mkdirSync(join(cwd, '.millrace'))
    writeFileSync(join(cwd, '.millrace', 'millrace.db'), 'x'.repeat(10_000))
    const { code, stderr } = await millrace(['topics'], { cwd })
    expect(code).toBe(2)
    expect(stderr).toContain(`error: ${join(cwd, '.millrace', 'millrace.db')} cannot be used: file is not a database.\n`)
  })
})

describe('check', () => {
  it('says where a pipeline does not load', async () => {
    const cwd = folder()
    writeFileSync(join(cwd, 'pipeline.ts'), "import { nothing } from './lost.ts'\nexport default nothing\n")
    const { code, stderr } = await millrace(['check', 'pipeline.ts'], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('lost.ts')
  })

  it.each([['{}'], ['{"type":"commonjs"}']])('takes a module beside the package.json %s, without a warning', async manifest => {
    const cwd = folder()
    writeFileSync(join(cwd, 'package.json'), manifest)
    writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
    const stderr = 'Types were not checked: --no-types.\n'
    expect(await millrace(['check', 'pipeline.ts', '--no-types'], { cwd })).toMatchObject({ code: 0, stderr })
  })

  it('draws the graph, and says that the types were not checked where there is no TypeScript', async () => {
    const cwd = folder()
    writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
    const { code, stdout, stderr } = await millrace(['check', 'pipeline.ts'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^grid: 2 topics, 1 agent, 0 caches\n/)
    expect(stdout).toMatch(/\nin {3,}→ copy@1 {2,}→ out\n$/)
    expect(stderr).toBe('Types were not checked: TypeScript is not installed beside it (npm install -D typescript).\n')
    const json = JSON.parse((await millrace(['check', 'pipeline.ts', '--json'], { cwd })).stdout)
    expect(json).toMatchObject({
      ok: true,
      pipeline: 'grid',
      agents: [{ name: 'copy', version: 1, from: ['in'], to: ['out'] }],
      types: { state: 'skipped' },
    })
  })
})

const PIPELINE = `import { agent, bytes, pipeline, topic } from 'millrace'
const from = topic('in', bytes())
const to = topic('out', bytes())
export default pipeline('grid', { agents: [agent('copy', { version: 1, from, to }, datum => datum)] })
`

it('help goes to stdout and exits 0; no command at all shows it on stderr and exits 2', async () => {
  const help = await millrace(['--help'])
  expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: millrace [\s\S]*Exit codes: 0 done/) })
  expect(await millrace([])).toMatchObject({ code: 2, stdout: '', stderr: help.stdout })
  expect((await millrace(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
