import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Millrace's own code, src/ or dist/: one instance in a thread, whatever loads it, or topics declared in one file would not be those of another. */
const OWN_CODE = new URL('../', import.meta.url).href
const TAG = 'millrace'
const NAME = 'millrace'

let registered = false

/**
 * Lets this thread load a user's modules anew: a module imported as `?millrace=2` hands the tag on to every module of the user's
 * that it imports, so a change three files down is seen too. What is in node_modules and Millrace itself stay as they are.
 * `millrace` always means this very installation, also where the pipeline's folder has another or none.
 */
export function followGenerations(): void {
  if (registered) return
  registered = true
  registerHooks({
    resolve(specifier, context, next) {
      const own = specifier === NAME || specifier.startsWith(`${NAME}/`)
      const resolved = next(specifier, own ? { ...context, parentURL: import.meta.url } : context)
      const generation = generationOf(context.parentURL)
      if (own || generation === null || !isUserCode(resolved.url)) return resolved
      return { ...resolved, url: tagged(resolved.url, generation) }
    },
  })
}

/** The URL to import a user's file by. Generation 0 is the first and has no tag. */
export function generationUrl(fileUrl: string, generation: number): string {
  return generation === 0 ? fileUrl : tagged(fileUrl, String(generation))
}

/** CommonJS keeps a cache of its own, by path: what is the user's leaves it, so that the next generation reads it again. */
export function forgetCommonJs(): void {
  const { cache } = createRequire(import.meta.url)
  for (const path of Object.keys(cache)) if (isUserCode(pathToFileURL(path).href)) delete cache[path]
}

/** A file of the user's: not a dependency, not Millrace, not Node's own. */
function isUserCode(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/') && !url.startsWith(OWN_CODE)
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
