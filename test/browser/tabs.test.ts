import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeInChromium } from './chromium.ts'
import { button, logIn, shown, startWebWorld, type WebWorld } from './web-world.ts'

/** Longer than access tokens live, by the clock of a page. */
const LATER_MS = 300_000
const ROUNDS = 5

describeInChromium('a login that tabs share', browser => {
  let world: WebWorld
  let context: BrowserContext
  let tabs: readonly Page[]

  beforeAll(async () => {
    world = await startWebWorld()
  })
  afterAll(() => world?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    world.reset()
    context = await world.context(browser())
    // A proof by a clock that was set forward would be refused.
    const settings = { store: 'indexeddb', dpop: false } as const
    tabs = await Promise.all([1, 2, 3].map(() => world.open(context, settings)))
  })
  afterEach(() => context.close())

  const inAll = <T>(work: (page: Page) => Promise<T>): Promise<readonly T[]> => Promise.all(tabs.map(work))
  const calls = (): Promise<readonly string[]> =>
    inAll(tab => tab.evaluate(() => window.page.call('list_notes').catch(String)))

  it('field M1: is made once, and refreshed once whenever it is due in all of them', async () => {
    const [first] = tabs
    const [popup] = await Promise.all([first!.waitForEvent('popup'), button(first!, 'Read').click()])
    await logIn(popup)
    expect(await shown(first!)).toContain('Otters')
    for (let round = 1; round <= ROUNDS; round++) {
      await inAll(tab => tab.evaluate(ms => window.page.skip(ms), LATER_MS))
      for (const answer of await calls()) expect(answer).toContain('Otters')
      expect(world.tokenRequests('refresh_token').filter(({ status }) => status === 200)).toHaveLength(round)
    }
    expect(world.tokenRequests('refresh_token').filter(({ status }) => status === 400)).toEqual([])
  })

  it('field A18: opens one window for all tabs that need it', async () => {
    const [first, ...others] = tabs
    const [popup] = await Promise.all([first!.waitForEvent('popup'), button(first!, 'Read').click()])
    await popup.getByPlaceholder('Enter any login').waitFor()
    const waiting = others.map(tab => tab.evaluate(() => window.page.call('list_notes')))
    await Promise.all(
      others.map(tab => tab.waitForFunction(() => window.page.events.some(({ type }) => type === 'waitingForLogin'))),
    )
    await logIn(popup)
    expect(await shown(first!)).toContain('Otters')
    for (const answer of await Promise.all(waiting)) expect(answer).toContain('Otters')
    expect(world.tokenRequests('authorization_code').filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('is over in all of them when one logs out', async () => {
    const [first, second] = tabs
    const [popup] = await Promise.all([first!.waitForEvent('popup'), button(first!, 'Read').click()])
    await logIn(popup)
    expect(await shown(first!)).toContain('Otters')
    await second!.evaluate(async () => void (await window.page.session.logout()))
    expect(await first!.evaluate(() => window.page.session.status())).toMatchObject({ loggedIn: false })
  })
})
