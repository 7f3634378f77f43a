import { decodeJwt } from 'jose'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Leg, requestParameters } from '../../demo/src/leg.ts'
import type { OAuthError } from '../../src/oauth.ts'
import { describeInChromium } from './chromium.ts'
import { button, consent, logIn, shown, startWebWorld, type WebWorld } from './web-world.ts'

describeInChromium('a login in a window of its own', browser => {
  let world: WebWorld
  let context: BrowserContext

  beforeAll(async () => {
    world = await startWebWorld()
  })
  afterAll(() => world?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    world.reset()
    context = await world.context(browser())
  })
  afterEach(() => context.close())

  /** Clicks, and gives the window that opens. */
  const popupOf = async (page: Page, name: string): Promise<Page> => {
    const [popup] = await Promise.all([page.waitForEvent('popup'), button(page, name).click()])
    return popup
  }

  /** What was sent by scripts of the page, and not by the person's browser going somewhere. */
  const sentByPage = (): readonly Leg[] =>
    world.legs.filter(({ requestHeaders }) => requestHeaders.get('origin') === world.pages.origin)

  /** Real preflights; no cookie, although the authorization server has set one, which knows no ports; no name but the browser's. */
  const expectCleanRequests = async (): Promise<void> => {
    expect(await context.cookies(world.notes.url)).not.toHaveLength(0)
    expect(sentByPage().map(leg => `${leg.method} ${leg.url.pathname}`)).toEqual(
      expect.arrayContaining([
        'OPTIONS /mcp',
        'POST /mcp',
        'OPTIONS /reg',
        'POST /reg',
        'OPTIONS /token',
        'POST /token',
      ]),
    )
    for (const { requestHeaders } of sentByPage()) {
      expect(requestHeaders.get('cookie')).toBeNull()
      expect(requestHeaders.get('user-agent')).toContain('Chrom')
      expect(requestHeaders.get('access-control-request-headers') ?? '').not.toContain('user-agent')
    }
  }

  it('gets the tokens and is closed, without a cookie sent or a strict content security policy broken', async () => {
    const page = await world.open(context)
    const popup = await popupOf(page, 'Read')
    await Promise.all([popup.waitForEvent('close'), logIn(popup)])
    expect(await shown(page)).toContain('Otters')
    expect(await page.evaluate(() => window.page.session.status())).toMatchObject({ loggedIn: true })
    expect(context.pages()).toHaveLength(1)
    expect(page.url()).toContain('/notes?settings=')
    await expectCleanRequests()
    expect(await page.evaluate(() => window.page.violations)).toEqual([])
  })

  it('R-DPOP-1 binds the tokens to a key made in the page, nonces of the authorization server included', async () => {
    const page = await world.open(context, { dpop: true })
    await logIn(await popupOf(page, 'Read'))
    expect(await shown(page)).toContain('Otters')
    const proofs = world.tokenRequests('authorization_code').map(leg => decodeJwt(leg.requestHeaders.get('dpop') ?? ''))
    expect(proofs.map(({ nonce }) => typeof nonce)).toEqual(['undefined', 'string'])
    const call = world.legs.filter(leg => leg.method === 'POST' && leg.url.pathname === '/mcp').at(-1)
    expect(call?.requestHeaders.get('authorization')).toMatch(/^DPoP /)
    expect(call?.status).toBe(200)
  })

  it('R-SCOPE-8 opens again for a tool that needs more, and asks for both scopes', async () => {
    const page = await world.open(context)
    await logIn(await popupOf(page, 'Read'))
    expect(await shown(page)).toContain('Otters')
    const popup = await popupOf(page, 'Write')
    expect(new URL(popup.url()).origin).not.toBe(world.pages.origin)
    await consent(popup)
    expect(await shown(page)).toContain('Added note')
    const { scope } = await page.evaluate(() => window.page.session.status())
    expect(scope?.split(' ').sort()).toEqual(['notes:read', 'notes:write'])
    // And is closed again, empty, when the same click needs no login.
    const unused = await popupOf(page, 'Write')
    expect(await shown(page)).toContain('Added note')
    expect(unused.isClosed()).toBe(true)
  })

  it('has no hold on the page that opened it, and ends the login with a clear error when the person closes it', async () => {
    const page = await world.open(context)
    const popup = await popupOf(page, 'Read')
    await popup.getByPlaceholder('Enter any login').fill('ada')
    expect(await popup.evaluate(() => window.opener)).toBeNull()
    // Sooner it might be a window that was only cut off, and is noticed late.
    await popup.waitForTimeout(1_800)
    await popup.close()
    const error = JSON.parse(await shown(page)) as OAuthError
    expect(error).toMatchObject({ code: 'authorization_refused', detail: { step: 'authorization' } })
    expect(error.message).toContain('closed')
    expect(JSON.stringify(error)).not.toContain('state=')
  })

  it('ends the login with what the authorization server said when the person cancels', async () => {
    const page = await world.open(context)
    const popup = await popupOf(page, 'Read')
    await popup.getByRole('link', { name: '[ Cancel ]' }).click()
    expect(JSON.parse(await shown(page))).toMatchObject({
      code: 'authorization_refused',
      detail: { oauthError: 'access_denied' },
    })
    expect(context.pages()).toHaveLength(1)
  })

  it('is told that nobody waits any more when it is finished after the page gave the login up', async () => {
    const page = await world.open(context)
    const popup = await popupOf(page, 'Read')
    await popup.getByPlaceholder('Enter any login').waitFor()
    await button(page, 'Give up').click()
    expect(JSON.parse(await shown(page))).toMatchObject({ code: 'aborted' })
    await logIn(popup)
    await popup.getByText('no longer waits').waitFor()
    expect(popup.url()).toBe(`${world.pages.origin}/callback`)
    expect(world.tokenRequests('authorization_code')).toEqual([])
  })

  it.each(['the authorization server', 'the page itself'])(
    'works where %s cuts the tie between windows (Cross-Origin-Opener-Policy)',
    async who => {
      if (who === 'the page itself') world.pages.headers['cross-origin-opener-policy'] = 'same-origin'
      else world.authorizationServer.behaviour.opensNoTies = true
      const page = await world.open(context)
      const popup = await popupOf(page, 'Read')
      await Promise.all([popup.waitForEvent('close'), logIn(popup)])
      expect(await shown(page)).toContain('Otters')
    },
  )

  it('is asked for with a button where the browser opens none unasked', async () => {
    const page = await world.open(context, { hasty: true, asks: true })
    await button(page, 'Log in now').waitFor()
    expect(context.pages()).toHaveLength(1)
    await logIn(await popupOf(page, 'Log in now'))
    expect(await shown(page)).toContain('Otters')
  })

  it('that the browser does not open is told as login_required, with what to do', async () => {
    const page = await world.open(context, { hasty: true })
    expect(JSON.parse(await shown(page))).toMatchObject({
      code: 'login_required',
      detail: { hint: expect.stringContaining('click') },
    })
    expect(context.pages()).toHaveLength(1)
  })

  it('R-AUTHZ-3 an answer with another state ends no login, and its page is told that nobody waits for it', async () => {
    const page = await world.open(context)
    const popup = await popupOf(page, 'Read')
    await popup.getByPlaceholder('Enter any login').waitFor()
    const stray = await context.newPage()
    await stray.goto(`${world.pages.origin}/callback?code=stolen&state=guessed`)
    await stray.getByText('no longer waits').waitFor()
    expect(stray.url()).toBe(`${world.pages.origin}/callback`)
    await stray.close()
    await logIn(popup)
    expect(await shown(page)).toContain('Otters')
    expect(world.tokenRequests('authorization_code').map(leg => requestParameters(leg)['code'])).not.toContain('stolen')
  })
})
