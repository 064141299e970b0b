import type { EngineView } from '../engine/engine.ts'
import { resolveConfig } from '../runtime/config.ts'
import type { Shared } from './command.ts'

/** The data directory that a command means: --data, MILLRACE_DATA, millrace.config.ts, ./.millrace. Absolute. */
export async function dataDirectory(options: Shared): Promise<string> {
  const { data } = await resolveConfig({ flags: { data: options.data } })
  return data
}

/** Reads a data directory for as long as `use` takes, whether a process runs on it or not. @throws DATA_DIRECTORY_MISSING */
export async function withView<T>(options: Shared, use: (view: EngineView, directory: string) => Promise<T>): Promise<T> {
  const directory = await dataDirectory(options)
  // Loaded for the commands that read alone.
  const { viewEmbedded } = await import('../engine/embedded/index.ts')
  const view = viewEmbedded(directory)
  try {
    return await use(view, directory)
  } finally {
    await view.close()
  }
}
