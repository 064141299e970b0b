import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { loadedUserFiles } from './generations.ts'

/** An editor's save is several events: the change is over when nothing has come for so long. */
const SETTLE_MS = 40
const CODE = /\.(?:[cm]?[jt]s|json)$/

export interface Watching {
  /** Looks at what is loaded now. While the files do not load, any code file beside them may be the one that was missing. */
  follow(loads: boolean): void
  close(): void
}

/**
 * Calls `changed` when a file that the pipeline is made of has changed. Watches the folders of those files and nothing else: not
 * node_modules, not the data directory, not what a storage agent writes beside the pipeline.
 */
export function watchUserFiles(file: string, changed: () => void): Watching {
  const folders = new Map<string, FSWatcher>()
  let files = new Set<string>()
  let loads = true
  let timer: NodeJS.Timeout | undefined

  function onEvent(path: string): void {
    if (!files.has(path) && (loads || !CODE.test(basename(path)))) return
    clearTimeout(timer)
    timer = setTimeout(changed, SETTLE_MS)
  }

  function follow(loaded: boolean): void {
    loads = loaded
    files = new Set([file, ...loadedUserFiles()])
    for (const folder of new Set([...files].map(path => dirname(path)))) {
      if (folders.has(folder)) continue
      const watcher = watch(folder, (_event, name) => {
        if (name !== null) onEvent(join(folder, name))
      })
      // A folder that is deleted: its files are gone from the pipeline, or loading says that they are missed.
      watcher.on('error', () => {
        watcher.close()
        folders.delete(folder)
      })
      folders.set(folder, watcher)
    }
  }

  follow(true)
  return {
    follow,
    close() {
      clearTimeout(timer)
      for (const watcher of folders.values()) watcher.close()
      folders.clear()
    },
  }
}
