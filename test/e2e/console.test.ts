import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addToken } from '../../src/console/log-in/tokens.ts'
import { launch, NO_BROWSER } from './chromium.ts'
import { barriers, openPage } from './console/page.ts'
import { Running } from './console/running.ts'
import { until } from './grid.ts'

describe.skipIf(NO_BROWSER)('the console, in a real browser', { timeout: 60_000 }, () => {
  let running: Running
  let browser: Browser
  let page: Page
  let wrong: readonly string[]

  beforeAll(async () => {
    ;[running, browser] = await Promise.all([Running.start(), launch()])
    ;({ page, wrong } = await openPage(browser))
    // Two data that the agents refuse, one that the topic does.
    expect(
      await running.send([
        { sensor: 'roof', celsius: 20 },
        { sensor: 'roof', celsius: -300 },
        { sensor: 'roof', celsius: 'hot' },
      ]),
    ).toBe(202)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await running?.[Symbol.asyncDispose]()
  }, 30_000)

  const open = (path: string) => page.goto(`${running.ops}/console/${path}`)
  const button = (name: string | RegExp, within: Page | Locator = page) => within.getByRole('button', { name, exact: true })
  const dialog = () => page.getByRole('dialog')

  async function shows(locator: Locator): Promise<void> {
    await locator.first().waitFor({ state: 'visible', timeout: 20_000 })
  }

  it('pauses an agent and lets it go on, by the keyboard alone', async () => {
    await open('agents/calibrate')
    const card = page.getByRole('article', { name: 'calibrate@1' })
    await button('Pause…', card).press('Enter')
    await shows(dialog().getByText('takes nothing more'))
    await shows(dialog().getByText('millrace pause calibrate@1'))
    await button('Pause', dialog()).press('Enter')
    await shows(card.getByText('paused', { exact: true }))
    // The button is gone; the focus is not.
    await shows(button('Resume…', card))
    expect(await card.locator(':focus').count()).toBe(1)
    expect(await running.send([{ sensor: 'roof', celsius: 21 }])).toBe(202)
    await shows(card.getByText(/^1, /))
    await button('Resume…', card).press('Enter')
    await button('Resume', dialog()).press('Enter')
    await shows(card.getByText('healthy', { exact: true }))
  })

  it('lets the keyboard skip the bar, and goes back and forward through its views', async () => {
    await open('topics')
    await page.getByRole('heading', { name: 'Topics' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.locator('main:focus').count()).toBe(1)
    await page.getByRole('link', { name: 'Health' }).click()
    await page.getByRole('link', { name: 'Ledger' }).click()
    await page.goBack()
    await page.goBack()
    await shows(page.getByRole('heading', { name: 'Topics' }))
    await page.goForward()
    await shows(page.getByRole('heading', { name: 'Health' }))
  })

  it('copies a command also where the browser gives the page no clipboard, as beyond this machine without HTTPS', async () => {
    await open('topics')
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await button('Copy the command: millrace topics').click()
    await shows(button('Copied'))
  })

  it('edits a dead letter by the listener’s word, and replays it', async () => {
    await open('dead-letters?agent=calibrate@1')
    await page.getByRole('link', { name: /RangeError/ }).click()
    await page.getByRole('link', { name: /^Letter \d+$/ }).press('Enter')
    // The link is gone with its view, and the focus is where the next one begins.
    await shows(page.locator('main:focus'))
    const editor = page.getByRole('textbox')
    await editor.fill('{"sensor": "roof", "celsius": }')
    await shows(page.getByText('Not JSON yet'))
    expect(await button('Save the datum').isDisabled()).toBe(true)
    await editor.fill('{"sensor": "roof", "celsius": "warm"}')
    await button('Save the datum').click()
    await shows(page.getByRole('alert').getByText('celsius'))
    await editor.fill('{"sensor": "roof", "celsius": 19}')
    await button('Save the datum').click()
    await shows(page.getByText(/1 × by local/))
    await until('nothing to be left to save', async () => (await button('Save the datum').isDisabled()) || undefined)
    expect(await button('Undo').count()).toBe(0)
    await button('Replay…').click()
    await button('Replay', dialog()).click()
    // The page follows it to its end.
    await shows(page.getByRole('heading', { name: /Letter \d+ done/ }))
  })

  it('shows why a producer’s data were rejected, and makes and revokes a key', async () => {
    await open('producers/source/local')
    await shows(page.getByText('{"sensor":"roof","celsius":"hot"}'))
    await open('producers/keys')
    await button('Make a key…').click()
    await dialog().getByRole('textbox', { name: 'Source' }).fill('roof sensors')
    await dialog().getByRole('checkbox', { name: 'reading' }).check()
    await shows(dialog().getByText("millrace keys add 'roof sensors' --topic reading"))
    await button('Make the key', dialog()).click()
    const secret = (await dialog().locator('.secret code').textContent()) ?? ''
    await button('I have kept it', dialog()).click()
    await until(
      'the front end to take up the key',
      async () => (await running.send([{ sensor: 'roof', celsius: 22 }])) === 401 || undefined,
    )
    expect(await running.send([{ sensor: 'roof', celsius: 22 }], secret)).toBe(202)
    await button('Revoke…').click()
    await button('Revoke', dialog()).click()
    await shows(page.getByText('No key is valid'))
    await until(
      'the front end to refuse it',
      async () => (await running.send([{ sensor: 'roof', celsius: 22 }], secret)) === 401 || undefined,
    )
  })

  it('is accessible in both themes: WCAG 2.2 AA, page by page', { timeout: 240_000 }, async () => {
    const paths = ['agents', 'agents/calibrate', 'dead-letters', 'dead-letters/letters?state=any', 'dead-letters/replays', 'dead-letters/1']
    const others = ['producers', 'producers/source/local', 'producers/keys', 'health', 'health/advice', 'health/ledger', 'health/audit']
    expect(await barriers(page, running.ops, [...paths, ...others])).toEqual([])
  })

  it('asks who is there once there are tokens, and shows viewers why a button is not theirs', async () => {
    await open('agents/calibrate?last=1h')
    const card = page.getByRole('article', { name: 'calibrate@1' })
    await shows(button('Pause…', card))
    const { key } = await addToken(running.tokensFile, { user: 'vera', role: 'viewer' })
    await page.getByLabel('Token').fill('not.a-token', { timeout: 20_000 })
    await button('Log in').click()
    await shows(page.getByRole('alert'))
    await page.getByLabel('Token').fill(key)
    await button('Log in').click()
    await shows(button('Pause…', card))
    expect(page.url()).toContain('last=1h')
    expect(page.url()).not.toContain(key)
    expect(await button('Pause…', card).isDisabled()).toBe(true)
    await shows(page.getByText('You are logged in as a viewer'))
    await button('Log out').click()
    await shows(page.getByLabel('Token'))
  })

  it('did nothing that its own Content-Security-Policy forbids', () => {
    expect(wrong).toEqual([])
  })
})
