import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { until } from '../grid.ts'

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** A page, and what goes wrong in it. */
export async function openPage(browser: Browser): Promise<{ readonly page: Page; readonly wrong: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('pageerror', error => wrong.push(String(error)))
  // What the page itself does wrong, such as what the Content-Security-Policy forbids; a refusal by the listener is no fault.
  page.on('console', message => message.type() === 'error' && !/status of 4\d\d/.test(message.text()) && wrong.push(message.text()))
  return { page, wrong }
}

/** What is in the way of people at each of the paths, in both themes: `path: rule: the element`. @param axe of the page. */
export async function barriers(page: Page, url: string, paths: readonly string[], axe = () => axeOf(page)): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.goto(`${url}/console/${path}`)
    await page.locator('h1').waitFor()
    await until(`${path} to be loaded`, async () => (await page.locator('.spinner').count()) === 0 || undefined)
    const light = await axe().withTags(WCAG).analyze()
    // Nothing else than colours is another in it.
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await axe().withRules(['color-contrast']).analyze()
    found.push(...[...light.violations, ...dark.violations].map(({ id, nodes }) => `${path}: ${id}: ${nodes[0]?.html}`))
  }
  return found
}

export function axeOf(page: Page): AxeBuilder {
  return new AxeBuilder({ page }).setLegacyMode()
}
