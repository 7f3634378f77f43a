import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { OAuthError } from '../../src/oauth.ts'
import { describeInChromium } from './chromium.ts'
import { button, logIn, shown, startWebWorld, type WebWorld } from './web-world.ts'

describeInChromium('servers and the same-origin policy', browser => {
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

  const popupOf = async (page: Page): Promise<Page> => {
    const [popup] = await Promise.all([page.waitForEvent('popup'), button(page, 'Read').click()])
    return popup
  }
  const errorOf = async (page: Page): Promise<OAuthError> => {
    await button(page, 'Read').click()
    return JSON.parse(await shown(page)) as OAuthError
  }

  it('field P5: a server that lets no page in is told as CORS, by a call and by a login', async () => {
    world.notes.behaviour.cors = 'closed'
    const page = await world.open(context)
    expect(await errorOf(page)).toMatchObject({
      code: 'network',
      detail: { url: world.notes.mcpUrl, hint: expect.stringContaining('CORS') },
    })
    const login = await page.evaluate(() =>
      window.page.session.login().catch(({ code, detail }: OAuthError) => ({ code, detail })),
    )
    expect(login).toMatchObject({ code: 'network', detail: { hint: expect.stringContaining('CORS') } })
  })

  it('field P5: a login needs no WWW-Authenticate that a page may read', async () => {
    world.notes.behaviour.cors = 'hidden'
    const page = await world.open(context)
    await logIn(await popupOf(page))
    expect(await shown(page)).toContain('Otters')
  })

  it('field P5: documents are found behind others that are missing and do not let a page see that', async () => {
    Object.assign(world.notes.behaviour, { cors: 'hidden', metadataAtRoot: true })
    world.authorizationServer.behaviour.knowsOpenIdOnly = true
    const page = await world.open(context)
    await logIn(await popupOf(page))
    expect(await shown(page)).toContain('Otters')
  })

  it('field P5: a server that does not allow the headers of the newest revision is reached by the handshake', async () => {
    world.notes.behaviour.cors = 'older'
    const page = await world.open(context)
    await logIn(await popupOf(page))
    expect(await shown(page)).toContain('Otters')
    const call = world.legs.filter(({ method, url }) => method === 'POST' && url.pathname === '/mcp').at(-1)
    expect(call?.requestHeaders.get('mcp-protocol-version')).toBe('2025-11-25')
  })

  it('field P5: an authorization server that registers no page is told as CORS, before a window shows anything', async () => {
    world.authorizationServer.behaviour.registersPages = false
    const page = await world.open(context)
    expect(await errorOf(page)).toMatchObject({
      code: 'network',
      detail: { step: 'client registration', hint: expect.stringContaining('CORS') },
    })
    expect(context.pages()).toHaveLength(1)
  })

  it('field P5: an authorization server that gives tokens to no page is told as CORS', async () => {
    world.authorizationServer.behaviour.servesPages = false
    const page = await world.open(context)
    await logIn(await popupOf(page))
    expect(JSON.parse(await shown(page))).toMatchObject({
      detail: { step: 'token request', hint: expect.stringContaining('CORS') },
    })
  })

  it('field D10: a server that sends those without a token to a login page, unseen by scripts, is logged in to', async () => {
    world.notes.behaviour.redirectsTo = `${world.authorizationServer.url}/login`
    const page = await world.open(context)
    await logIn(await popupOf(page))
    expect(await shown(page)).toContain('Otters')
    expect(world.legs.filter(({ url }) => url.pathname === '/login')).toEqual([])
  })
})
