import { rmSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, NO_BROWSER } from './chromium.ts'
import { Grid, until } from './grid.ts'

describe.skipIf(NO_BROWSER)('the live page, in a real browser', { timeout: 120_000 }, () => {
  let grid: (Grid & { url: string }) | undefined
  let browser: Browser | undefined
  let page: Page
  const wrong: string[] = []

  beforeAll(async () => {
    grid = await Grid.start([])
    browser = await launch()
    page = await browser.newPage()
    page.on('console', message => message.type() === 'error' && !message.text().includes('404') && wrong.push(message.text()))
    page.on('pageerror', error => wrong.push(String(error)))
    await page.goto(grid.url)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await grid?.stop()
    if (grid !== undefined) rmSync(grid.folder, { recursive: true, force: true })
  }, 30_000)

  /** Waits until an element's text matches. */
  function shows(selector: string, pattern: RegExp): Promise<string> {
    return until(`${selector} to show ${pattern}`, async () => {
      const text = (await page.locator(selector).textContent()) ?? ''
      return pattern.test(text) ? text : undefined
    })
  }

  it('shows the averages of all 500 generating stations as a heatmap', async () => {
    await until('500 cells', async () => ((await page.locator('#heat i').count()) === 500 ? true : undefined))
    expect(await page.locator('#heat i').first().getAttribute('title')).toMatch(/^g-000: [\d.]+ MW on average/)
  })

  it('shows demand against prediction, of all stations and of one', async () => {
    await shows('#demand-now', / MW against [1-9]/)
    await page.selectOption('#station', 'd-0007')
    await shows('#demand-now', / MW against /)
  })

  it('shows what flows into each topic and through each agent', async () => {
    expect(await shows('#flow', /forecast@1 · up to date/)).toContain('into demand-prediction')
  })

  it('says when the pipeline is away', async () => {
    expect(wrong).toEqual([])
    await grid?.stop()
    await shows('#state', /does not answer/)
  })
})
