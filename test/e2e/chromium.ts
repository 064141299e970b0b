import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CANDIDATES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const FOUND = CANDIDATES.find(path => path !== undefined && existsSync(path))

if (FOUND === undefined) {
  console.warn('No Chromium here, so no page is looked at: install it, or name it with CHROMIUM=/path/to/chromium.')
}

/** In CI a missing browser is a failure, not a reason to look away. */
export const NO_BROWSER = FOUND === undefined && process.env.CI === undefined

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: FOUND!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  })
}
