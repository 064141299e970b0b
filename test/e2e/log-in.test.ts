import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addToken } from '../../src/console/log-in/tokens.ts'
import { type Listening, listen } from '../console/ops.ts'
import { launch, NO_BROWSER } from './chromium.ts'

/** What a real browser makes of the cookie, the Origin of a form and the content security policy no test of requests can tell. */
describe.skipIf(NO_BROWSER)('a log-in, in a real browser', { timeout: 60_000 }, () => {
  let directory: string
  let token: string
  let ops: Listening
  let browser: Browser
  const wrong: string[] = []

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-log-in-'))
    const tokensFile = join(directory, 'ops-tokens.json')
    token = (await addToken(tokensFile, { user: 'ada', role: 'operator' })).key
    ops = await listen([], { access: { tokensFile, open: 'health' } })
    browser = await launch()
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await ops?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  async function open(): Promise<Page> {
    const page = await (await browser.newContext()).newPage()
    page.on('console', message => message.text().includes('Content Security Policy') && wrong.push(message.text()))
    page.on('pageerror', error => wrong.push(String(error)))
    return page
  }
  const session = (page: Page) => page.evaluate(() => fetch('/v1/session').then(response => response.json()))

  it('by a token leads to the page that was wanted, and a wrong one says so', async () => {
    const page = await open()
    await page.goto(`${ops.url}/v1/audit?limit=7`)
    await page.fill('#token', 'o.wrong')
    await page.click('button')
    expect(await page.textContent('[role=alert]')).toContain('unknown, revoked or expired')
    await page.fill('#token', token)
    await page.click('button')
    await page.waitForURL(`${ops.url}/v1/audit?limit=7`)
    expect(await session(page)).toMatchObject({ user: 'ada', role: 'operator', log_in: 'token', csrf: expect.any(String) })
    expect(wrong).toEqual([])
  })

  it('by a program’s link leads to the console', async () => {
    const { path } = (await ops.post('/v1/session/code', {}, { authorization: `Bearer ${token}` })).json
    const page = await open()
    await page.goto(ops.url + path)
    await page.waitForURL(`${ops.url}/console/`)
    expect(await session(page)).toMatchObject({ user: 'ada' })
    expect(wrong).toEqual([])
  })
})
