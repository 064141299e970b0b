import type { Engine, EngineView } from '../engine/engine.ts'
import { type Config, resolveConfig } from '../runtime/config.ts'
import { shownUrl } from '../runtime/connections.ts'
import type { Shared } from './command.ts'

/** What a command looks at: --stream and --trace, or --data, each by flag, environment, millrace.config.ts, or default. */
export function configOf({ data, stream, trace, pipeline }: Shared): Promise<Config> {
  return resolveConfig({ flags: { data, stream, trace, pipeline } })
}

/**
 * Reads for as long as `use` takes: the stream and trace that processes share, or a data directory, whether a process runs on it or not.
 * @param use is told what it looks at, for people. @throws DATA_DIRECTORY_MISSING; what openDistributed throws
 */
export async function withView<T>(options: Shared, use: (view: EngineView, where: string) => Promise<T>): Promise<T> {
  const config = await configOf(options)
  // Loaded for the commands that read alone.
  const view = config.connections === undefined ? await atRest(config.data) : await shared(config)
  try {
    return await use(view, config.connections === undefined ? config.data : shownUrl(config.connections.stream.url))
  } finally {
    await view.close()
  }
}

/** Opens the stream and the trace that processes share, to change something. */
export async function shared(config: Config): Promise<Engine> {
  const { openShared } = await import('../runtime/shared.ts')
  return openShared(config, text => process.stderr.write(`${text}\n`))
}

async function atRest(directory: string): Promise<EngineView> {
  const { viewEmbedded } = await import('../engine/embedded/index.ts')
  return viewEmbedded(directory)
}
