/**
 * Takes the pictures of the console that the README and the docs show: runs the grid, waits until its pages have something to show, and
 * photographs them in a Chromium (CHROMIUM names another than Debian's). `npm run screenshots`, after `npm run build:console`.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import { answer, millrace } from '../examples/grid/millrace.ts'

const root = resolve(import.meta.dirname, '..')
const grid = (file: string) => join(root, 'examples', 'grid', file)
const SIZE = { width: 1120, height: 700 }
/** So large that the graph says all that it can. */
const GRAPH_SIZE = { width: 1200, height: 780 }
const MOST_BYTES = 150_000
/** As long as it takes until the lake has written its first files. */
const WARM_UP_MS = 45_000
/** Until the small charts have a line. */
const LOOK_MS = 12_000

mkdirSync(join(root, 'docs', 'console'), { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'millrace-screenshots-'))
process.chdir(folder)
const anywhere = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0']
const pipeline = millrace('start', grid('grid.ts'), ...anywhere)
const running = await answer(pipeline)
const producer = spawn(process.execPath, [grid('produce.ts'), '--url', String(running.listen)], { stdio: 'ignore' })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
})
try {
  const page = await browser.newPage()
  console.log('The grid runs; its first files are written in half a minute.')
  await sleep(WARM_UP_MS)
  await page.setViewportSize(GRAPH_SIZE)
  await take(page, 'flow', 'flow')
  await page.setViewportSize(SIZE)
  await take(page, 'flow/topic:demand/agent:forecast@1', 'flow-tail', 'dark')
  await take(page, await aDatum(page), 'datum')
} finally {
  await browser.close()
  producer.kill()
  pipeline.kill()
  rmSync(folder, { recursive: true, force: true })
}

async function take(page: Page, path: string, name: string, colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
  await page.emulateMedia({ colorScheme })
  await page.goto(`${running.operators}/console/${path}`)
  await page.locator('h1').waitFor()
  await sleep(LOOK_MS)
  const file = join(root, 'docs', 'console', `${name}.png`)
  await page.screenshot({ path: file })
  const { size } = statSync(file)
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MOST_BYTES}.`)
  console.log(`docs/console/${name}.png, ${size} bytes`)
}

/** The path of a datum of some seconds ago, which has gone all its way. */
async function aDatum(page: Page): Promise<string> {
  await page.goto(`${running.operators}/console/topics/demand?from=20s`)
  const id = await page.locator('.tail a').first().textContent()
  return `data/${id}`
}
