import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'

const FOLDER = 'compile-cache'

/**
 * Node's compile cache, in the data directory: every thread loads the same code, and measured, the cache halves what that costs, which is
 * most of what a restart or a reload takes. The user's own NODE_COMPILE_CACHE goes before.
 */
export function compiledFor(directory: string): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: join(directory, FOLDER), ...process.env }
}

/**
 * Loads the user's code in this thread, and leaves it compiled for the others. Node strips types by WebAssembly, and a thread that ends
 * with WebAssembly in it can take the process with it (V8: "Check failed: jit_page.has_value()"): what the main thread has stripped, no
 * other has to.
 */
export async function sharingCompiled<T>(directory: string, load: () => Promise<T>): Promise<T> {
  enableCompileCache(join(directory, FOLDER))
  const loaded = await load()
  flushCompileCache()
  return loaded
}
