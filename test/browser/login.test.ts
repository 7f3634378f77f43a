import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connect } from '../../src/client.ts'
import { createBrowserAuthorizer } from '../../src/node.ts'
import { authorizationCode, withOAuth } from '../../src/oauth.ts'
import { type ProtectedNotes, startProtectedNotes } from '../interop/protected-notes.ts'
import { describeInChromium } from './chromium.ts'

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (reason: unknown) => void } {
  let settle!: Pick<ReturnType<typeof withResolvers>, 'resolve' | 'reject'>
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, ...settle }
}

describeInChromium('a login in a real browser', browser => {
  const screenshots = mkdtempSync(join(tmpdir(), 'latchkey-browser-'))
  let page: Page
  let world: ProtectedNotes

  beforeEach(async () => {
    world = await startProtectedNotes()
    page = await browser().newPage({ viewport: { width: 960, height: 640 } })
    page.setDefaultTimeout(15_000)
  })
  afterEach(async () => {
    await page.close()
    await world[Symbol.asyncDispose]()
  })

  /** A session whose browser is `page`, where `person` acts; `whileActing` fails at once when the person gets stuck. */
  const sessionInBrowser = (person: () => Promise<void>) => {
    const { promise: acted, resolve, reject } = withResolvers()
    const session = world.session({
      grant: authorizationCode({
        authorizer: createBrowserAuthorizer({
          server: world.mcpUrl,
          openBrowser: async url => {
            page.goto(url.href).then(person).then(resolve, reject)
            return true
          },
        }),
      }),
    })
    return { session, whileActing: async <T>(work: Promise<T>) => (await Promise.all([work, acted]))[0] }
  }

  const logIn = async (): Promise<void> => {
    await page.getByPlaceholder('Enter any login').fill('ada')
    await page.getByPlaceholder('and password').fill('correct horse')
    await page.getByRole('button', { name: 'Sign-in' }).click()
  }
  const consent = (): Promise<void> => page.getByRole('button', { name: 'Continue' }).click()

  async function screenshot(name: string): Promise<void> {
    const path = join(screenshots, `${name}.png`)
    await page.screenshot({ path })
    expect(statSync(path).size).toBeGreaterThan(2_000)
    console.log(`screenshot: ${path}`)
  }

  it('ends on a page that says so, and the call that needed it is answered', async () => {
    const { session, whileActing } = sessionInBrowser(async () => {
      await logIn()
      await page
        .getByRole('listitem')
        .filter({ hasText: /^notes:read$/ })
        .waitFor()
      await screenshot('consent')
      await consent()
      await page.waitForURL(/\/callback\?/)
    })
    const client = await whileActing(connect(world.mcpUrl, { fetch: withOAuth(fetch, session) }))
    const { content } = await client.callTool('list_notes')
    expect(JSON.stringify(content)).toContain('Otters')

    expect(await page.title()).toBe('You are logged in')
    const shown = await page.locator('main').innerText()
    expect(shown).toContain('You are logged in')
    expect(shown).toContain(new URL(world.mcpUrl).host)
    expect(shown).toContain('You can close this tab')
    await screenshot('logged-in')
    await client.close()
  })

  it('R-AUTHZ-5 a person who cancels sees that the login failed, and why', async () => {
    const { session, whileActing } = sessionInBrowser(async () => {
      await page.getByRole('link', { name: '[ Cancel ]' }).click()
      await page.waitForURL(/\/callback\?/)
    })
    await whileActing(expect(session.login()).rejects.toMatchObject({ code: 'authorization_refused' }))
    expect(await page.title()).toBe('The login failed')
    expect(await page.locator('main').innerText()).toContain('access_denied')
    await screenshot('cancelled')
  })
})
