import { open } from 'node:fs/promises'

/** Makes a folder's names outlast a power cut, which could else bring back what a file was before it was replaced. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folder, and writes their entries through.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
