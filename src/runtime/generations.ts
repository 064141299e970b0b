import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Millrace's own code, src/ or dist/: one instance in a thread, whatever loads it, or topics declared in one file would not be those of another. */
const OWN_CODE = new URL('../', import.meta.url).href
const TAG = 'millrace'
const NAME = 'millrace'

let registered = false
const userFiles = new Set<string>()

/**
 * Lets this thread load a user's modules anew: a module imported as `?millrace=2` hands the tag on to every module of the user's
 * that it imports, so a change three files down is seen too. What is in node_modules, CommonJS and Millrace itself stay as they are.
 * `millrace` always means this very installation, also where the pipeline's folder has another or none.
 */
export function followGenerations(): void {
  if (registered) return
  registered = true
  registerHooks({
    resolve(specifier, context, next) {
      const own = specifier === NAME || specifier.startsWith(`${NAME}/`)
      const resolved = next(specifier, own ? { ...context, parentURL: import.meta.url } : context)
      if (own || !isUserCode(resolved.url)) return resolved
      userFiles.add(fileURLToPath(resolved.url))
      // What is required is found by its path alone: a tag would make it another file.
      const generation = context.conditions.includes('require') ? null : generationOf(context.parentURL)
      const url = generation === null ? resolved.url : tagged(resolved.url, generation)
      return { ...resolved, url, ...(isTypeScriptModule(url, resolved.format) ? { format: 'module-typescript' } : {}) }
    },
  })
}

/** The URL to import a user's file by. Generation 0 is the first and has no tag. */
export function generationUrl(fileUrl: string, generation: number): string {
  return generation === 0 ? fileUrl : tagged(fileUrl, String(generation))
}

/** Absolute paths of the user's files that this thread has loaded so far, in any generation. */
export function loadedUserFiles(): readonly string[] {
  return [...userFiles]
}

/** A file of the user's: not a dependency, not Millrace, not Node's own. */
function isUserCode(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/') && !url.startsWith(OWN_CODE)
}

/**
 * Whether a `.ts` file is a module although the package.json near it does not say so. `npm init` writes "type": "commonjs" and `npm install`
 * nothing at all: a first pipeline would fail with the one, and begin with Node's warning with the other.
 */
function isTypeScriptModule(url: string, format: string | null | undefined): boolean {
  if (!url.startsWith('file:') || !new URL(url).pathname.endsWith('.ts') || format === 'module-typescript') return false
  const code = readFileSync(new URL(url), 'utf8')
  return /^\s*(import|export)\s*[\w*{'"]/m.test(code) && !/^\s*(module\.exports|exports\.\w+)\s*=/m.test(code)
}

function tagged(url: string, generation: string): string {
  const target = new URL(url)
  target.searchParams.set(TAG, generation)
  return target.href
}

function generationOf(url: string | undefined): string | null {
  if (url === undefined || !url.includes(`${TAG}=`)) return null
  return new URL(url).searchParams.get(TAG)
}
