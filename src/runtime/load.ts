import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MillraceError } from '../errors.ts'
import { isPipeline, type Pipeline } from '../pipeline.ts'
import { followGenerations, generationUrl } from './generations.ts'

/**
 * Imports a user's pipeline: the default export of a TypeScript or JavaScript file.
 * @param generation 0 the first time in a thread; a higher number loads the user's files anew.
 * @throws PIPELINE_NOT_FOUND where there is no such file, PIPELINE_BROKEN (with file and line) where it does not load or exports
 *   something else, GRAPH_INVALID where its graph does not hold together.
 */
export async function loadPipeline(file: string, generation = 0): Promise<Pipeline> {
  const path = resolve(file)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new MillraceError('PIPELINE_NOT_FOUND', `There is no file ${path}.`, {
      fix: 'Name the file whose default export is the pipeline, such as: millrace dev pipeline.ts',
    })
  }
  followGenerations()
  const exported = await importDefault(path, generation)
  if (isPipeline(exported)) return exported
  throw new MillraceError(
    'PIPELINE_BROKEN',
    `${path} exports ${exported === undefined ? 'nothing by default' : `${describe(exported)} by default`}, not a pipeline.`,
    { fix: "End it with: export default pipeline('name', { agents: [ … ] })" },
  )
}

async function importDefault(path: string, generation: number): Promise<unknown> {
  try {
    // A module's namespace is whatever the user wrote; its default is checked by the caller.
    const module = (await import(generationUrl(pathToFileURL(path).href, generation))) as { default?: unknown }
    return module.default
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw broken(path, error)
  }
}

/** Says where in the user's files it went wrong: the first place in the stack that is not Node's or Millrace's. */
function broken(path: string, error: unknown): MillraceError {
  if (!(error instanceof Error)) {
    return new MillraceError('PIPELINE_BROKEN', `${path} threw ${describe(error)} while it was loaded.`, {
      fix: 'Throw an Error, which says where it comes from.',
      cause: error,
    })
  }
  const what = `${placeOf(error) ?? path}: ${error.name}: ${withoutTag(error.message)}.`.replace(/([.?!])\.$/, '$1')
  const fix = fixOf(error.message)
  return new MillraceError('PIPELINE_BROKEN', what, { ...(fix === undefined ? {} : { fix }), cause: error })
}

/** What to do about the mistakes that Node's own sentence names without saying how to mend them. */
function fixOf(message: string): string | undefined {
  const missing = /Cannot find package '([^']+)'/.exec(message)?.[1]
  if (missing !== undefined)
    return `Install it beside the pipeline: npm install ${missing.split('/', missing.startsWith('@') ? 2 : 1).join('/')}`
  if (/outside a module|Unexpected token 'export'/.test(message))
    return 'Node takes it for CommonJS. Say that it is a module: npm pkg set type=module, or name it .ts or .mjs.'
  if (message.includes('strip-only mode'))
    return 'Node runs TypeScript by leaving its types out: in place of an enum write a union of strings, in place of a parameter property a field.'
  return undefined
}

function placeOf(error: Error): string | undefined {
  const stack = withoutTag(error.stack ?? '')
  // A syntax error begins its stack with the place; a thrown error has it in a frame.
  const head = /^((?:file:\/\/)?\/[^\n]*?):(\d+)\n/.exec(stack)
  if (head) return `${pathOf(head[1]!)}:${head[2]}`
  for (const frame of stack.matchAll(/\(?(file:\/\/[^\s()]+?):(\d+):(\d+)\)?$/gm)) {
    if (frame[1]!.startsWith(new URL('../', import.meta.url).href) || frame[1]!.includes('/node_modules/')) continue
    return `${pathOf(frame[1]!)}:${frame[2]}:${frame[3]}`
  }
  return undefined
}

function pathOf(place: string): string {
  return place.startsWith('file:') ? fileURLToPath(place) : place
}

function withoutTag(text: string): string {
  return text.replace(/\?millrace=\d+/g, '')
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object'
    ? 'an object'
    : typeof value === 'function'
      ? 'a function'
      : `the ${typeof value} ${JSON.stringify(value)}`
}
