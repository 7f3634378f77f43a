import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { button, consent, logIn, shown, startWebWorld, type WebWorld } from './web-world.ts'

/** Longer than access tokens live, by the clock of a page. */
const LATER_MS = 300_000

describeInChromium('a login that leaves the page', browser => {
  let world: WebWorld
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    world = await startWebWorld()
  })
  afterAll(() => world?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    world.reset()
    context = await world.context(browser())
    // A proof by a clock that was set forward would be refused.
    page = await world.open(context, { login: 'redirect', dpop: false })
  })
  afterEach(() => context.close())

  const login = async (): Promise<void> => {
    await button(page, 'Read').click()
    await logIn(page)
    await page.waitForURL(url => url.pathname === '/notes')
  }

  it('brings the person back to where they were, logged in, with no code or state in the address bar', async () => {
    const before = page.url()
    await login()
    expect(JSON.parse(await shown(page))).toMatchObject({
      returned: { server: world.notes.mcpUrl, profile: 'default' },
      loggedIn: true,
      notes: expect.stringContaining('Otters'),
    })
    expect(page.url()).toBe(before)
    const addresses = await page.evaluate(() => performance.getEntriesByType('navigation').map(({ name }) => name))
    expect(addresses).toEqual([expect.stringContaining('/returned?code=')])
    expect(await page.evaluate(() => Object.keys(sessionStorage).filter(name => name.includes('redirect')))).toEqual([])
    expect(await page.evaluate(() => window.page.violations)).toEqual([])
  })

  it('is finished once, however often the page asks', async () => {
    await login()
    await shown(page)
    const again = await page.evaluate(() => window.page.finishRedirect(window.page.session))
    expect(again).toBeUndefined()
    expect(world.tokenRequests('authorization_code').filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('leaves the page a second time for a tool that needs more', async () => {
    await login()
    await shown(page)
    await button(page, 'Write').click()
    await consent(page)
    await page.waitForURL(url => url.pathname === '/notes')
    await shown(page)
    await button(page, 'Write').click()
    await page.getByText('Added note').waitFor()
  })

  it('outlives a reload of the tab, and is refreshed without asking anybody', async () => {
    await login()
    await shown(page)
    await page.reload()
    world.reset()
    await page.evaluate(ms => window.page.skip(ms), LATER_MS)
    expect(await page.evaluate(() => window.page.call('list_notes'))).toContain('Otters')
    world.revokeAccessTokens()
    expect(await page.evaluate(() => window.page.call('list_notes'))).toContain('Otters')
    const refreshes = world.tokenRequests('refresh_token').filter(({ status }) => status === 200)
    expect(refreshes).toHaveLength(2)
    expect(world.tokenRequests('authorization_code')).toEqual([])
  })

  it('R-AUTHZ-5 that the person cancelled is told as that, and the address is put right all the same', async () => {
    const before = page.url()
    await button(page, 'Read').click()
    await page.getByRole('link', { name: '[ Cancel ]' }).click()
    await page.waitForURL(url => url.pathname === '/notes')
    expect(JSON.parse(await shown(page))).toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'access_denied' },
    })
    expect(page.url()).toBe(before)
  })

  it('R-AUTHZ-3 an answer that was not asked for here is refused, and taken out of the address bar', async () => {
    await page.goto(`${world.pages.origin}/returned?keep=1&code=stolen&state=guessed&iss=https%3A%2F%2Fas.example`)
    const thrown = await page.evaluate(() =>
      window.page.finishRedirect(window.page.session).catch((error: { code: string }) => error.code),
    )
    expect(thrown).toBe('authorization_response_invalid')
    expect(page.url()).toBe(`${world.pages.origin}/returned?keep=1`)
    expect(world.tokenRequests('authorization_code')).toEqual([])
  })
})
