import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewKey } from '../../src/console/api/producers.ts'
import { readRuntimeFile } from '../../src/runtime/runtime-file.ts'
import { launch, NO_BROWSER } from './chromium.ts'
import { axeOf, barriers, openPage } from './console/page.ts'
import { Grid, until } from './grid.ts'

/** A machine that is busy otherwise may lose one of them; a console that is too slow loses all. */
const TRIES = 5

describe.skipIf(NO_BROWSER)('the console, with the grid live in it', { timeout: 60_000 }, () => {
  let grid: Grid & { url: string }
  let browser: Browser
  let page: Page
  /** The data_id of one that was sent. */
  let sent = ''
  let wrong: string[]

  beforeAll(async () => {
    ;[grid, browser] = await Promise.all([Grid.start(['--rate', '200']), launch()])
    ;({ page, wrong } = await openPage(browser))
    // Nothing is loaded from elsewhere: the console works without a network.
    page.on('request', request => !request.url().startsWith(grid.url) && wrong.push(`asks for ${request.url()}`))
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await grid?.stop()
    if (grid !== undefined) rmSync(grid.folder, { recursive: true, force: true })
  }, 30_000)

  const open = (path: string) => page.goto(`${grid.url}/console/${path}`)

  /** Sends a reading as a producer does. @returns its data_id. */
  async function send(key: string, station: string): Promise<string> {
    const { listen } = readRuntimeFile(join(grid.folder, '.millrace'))!
    const answer = await fetch(`${listen}/v1/topics/demand`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ station, at: '2026-01-31T08:00', megawatts: 512 }),
    })
    expect(answer.status).toBe(202)
    return ((await answer.json()) as { data_id: string }).data_id
  }

  it('draws the graph as declared, with what flows in it now', async () => {
    await open('flow')
    for (const name of ['Front end Producers', 'Topic demand', 'Agent forecast', 'Cache station-averages', 'Store files'])
      await page
        .getByRole('link', { name: new RegExp(`^${name}`) })
        .first()
        .waitFor()
    await page.getByRole('link', { name: /^demand → forecast@1: [1-9].*\/s, / }).waitFor()
    await page.getByRole('link', { name: /^Agent forecast v1: healthy; [1-9]/ }).waitFor()
  })

  it('goes through the graph by the keyboard alone: to what is beside, into it, and back', async () => {
    await open('flow')
    await page.getByRole('link', { name: /^Topic demand:/ }).waitFor()
    // Links come in the order of the flow, after the page's own.
    await until('the tab key to reach the producers', async () => {
      await page.keyboard.press('Tab')
      return (await focused(page)) === 'producers' || undefined
    })
    const reached = new Set<string>()
    // The graph may be placed anew meanwhile, as the first data come.
    const keys = ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowLeft']
    await until('the arrow keys to reach what is beside', async () => {
      for (const key of keys) {
        await page.keyboard.press(key)
        reached.add(await focused(page))
      }
      return reached.size > 3 || undefined
    })
    const at = await focused(page)
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'What is selected' }).waitFor()
    await until('the focus to be in it', async () => (await page.evaluate('document.activeElement.tagName')) === 'H2' || undefined)
    expect(decodeURIComponent(new URL(page.url()).pathname)).toBe(`/console/flow/${at}`)
    await page.keyboard.press('Escape')
    await until('the focus to be back', async () => (await focused(page)) === at || undefined)
  })

  it('shows a datum that is sent in the tail of its edge in less than a second, and then its life', async () => {
    const made = await fetch(`${grid.url}/v1/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ source: 'tester', topics: ['demand'] }),
    })
    const { key } = (await made.json()) as NewKey
    await open(`topics/demand?${new URLSearchParams({ where: 'station~seen' })}`)
    await page.getByText(/shows .* that match/).waitFor()
    await until('the front end to know the key', async () => (await accepts(key)) || undefined)
    const waitsMs: number[] = []
    for (let i = 0; i < TRIES; i++) {
      const began = performance.now()
      sent = await send(key, `seen-${i}`)
      await page.getByRole('link', { name: sent }).waitFor()
      waitsMs.push(performance.now() - began)
    }
    expect(Math.min(...waitsMs)).toBeLessThan(1_000)
    await page.getByRole('link', { name: sent }).click()
    await page.getByRole('heading', { name: sent }).waitFor()
    await page.getByRole('row', { name: /^forecast@1 demand done/ }).waitFor()
  })

  /** Keys are read anew once a second. */
  async function accepts(key: string): Promise<boolean> {
    const { listen } = readRuntimeFile(join(grid.folder, '.millrace'))!
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    return (await fetch(`${listen}/v1/topics/demand`, { method: 'POST', headers, body: '{}' })).status === 422
  }

  it('is accessible in both themes: WCAG 2.2 AA, page by page', { timeout: 120_000 }, async () => {
    const paths = ['flow', 'flow/topic:demand/agent:forecast@1', 'flow?view=table', 'topics', 'topics/demand', 'data', 'data?topic=demand']
    expect(await barriers(page, grid.url, [...paths, `data/${sent}`], axe)).toEqual([])
  })

  /** Of rows that are all alike the first few tell. */
  function axe() {
    return axeOf(page).exclude('.tail li:nth-child(n+4)').exclude('tbody tr:nth-child(n+6)')
  }

  it('did nothing that its own Content-Security-Policy forbids, and asked nobody else', () => {
    expect(wrong).toEqual([])
  })
})

/** The part of the graph that has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement?.dataset?.end ?? ""')
}
