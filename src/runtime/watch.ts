import { existsSync, type FSWatcher, watch } from 'node:fs'
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
      // Files of every generation are among them, and the folder of an old one may be gone.
      if (!folders.has(folder) && existsSync(folder)) folders.set(folder, watchFolder(folder))
    }
  }

  function watchFolder(folder: string): FSWatcher {
    const forget = () => {
      watcher.close()
      folders.delete(folder)
    }
    const watcher = watch(folder, (_event, name) => {
      // Made again under its name, by switching branches say, it is another folder: this watcher would never hear of it.
      if (!existsSync(folder)) forget()
      if (name !== null) onEvent(join(folder, name))
    })
    watcher.on('error', forget)
    return watcher
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
