import type { Browser, BrowserContext, Page } from 'playwright-core'
import { answer, type Leg, requestParameters } from '../../demo/src/leg.ts'
import { startWebAuthorizationServer, type WebAuthorizationServer } from './authorization-server.ts'
import { bundlePages } from './bundle.ts'
import { startWebNotes, type WebNotes } from './notes-server.ts'
import { type PageServer, startPageServer } from './page-server.ts'
import type { PageSettings, TestPage } from './page/app.ts'

declare global {
  interface Window {
    readonly page: TestPage
  }
}

/** A page, an authorization server and an MCP server at three origins, the page at another site than the two. */
export interface WebWorld extends AsyncDisposable {
  readonly authorizationServer: WebAuthorizationServer
  readonly notes: WebNotes
  readonly pages: PageServer
  /** Every exchange with the two servers since the last call of `reset`. */
  readonly legs: readonly Leg[]
  tokenRequests(grantType: string): readonly Leg[]
  /** The MCP server rejects every access token issued so far. */
  revokeAccessTokens(): void
  /** Makes the servers behave again, and forgets what they saw. */
  reset(): void
  /** A person's browser, with nothing in it. */
  context(browser: Browser): Promise<BrowserContext>
  /** Opens the page in a tab, and waits for its buttons. */
  open(context: BrowserContext, settings?: Partial<PageSettings>): Promise<Page>
}

export async function startWebWorld(): Promise<WebWorld> {
  const legs: Leg[] = []
  const issued = new Set<string>()
  const record = (leg: Leg): void => {
    legs.push(leg)
    const { access_token: accessToken } = answer(leg)
    if (typeof accessToken === 'string') issued.add(accessToken)
  }
  const authorizationServer = await startWebAuthorizationServer(record)
  const notes = await startWebNotes(authorizationServer.url, record)
  const pages = await startPageServer(await bundlePages(), [authorizationServer.url, notes.url])
  return {
    authorizationServer,
    notes,
    pages,
    legs,
    tokenRequests: type =>
      legs.filter(
        leg => leg.method === 'POST' && leg.url.pathname === '/token' && requestParameters(leg)['grant_type'] === type,
      ),
    revokeAccessTokens: () => {
      for (const token of issued) notes.behaviour.revoked.add(token)
    },
    reset() {
      legs.length = 0
      const silent = { opensNoTies: false, knowsOpenIdOnly: false }
      Object.assign(authorizationServer.behaviour, { ...silent, registersPages: true, servesPages: true })
      Object.assign(notes.behaviour, { cors: 'open', metadataAtRoot: false, redirectsTo: undefined })
      for (const name of Object.keys(pages.headers)) delete pages.headers[name]
    },
    async context(browser) {
      const context = await browser.newContext({ viewport: { width: 800, height: 600 } })
      context.setDefaultTimeout(15_000)
      return context
    },
    async open(context, settings) {
      const page = await context.newPage()
      const given = JSON.stringify({ server: notes.mcpUrl, ...settings })
      const settled = settings?.hasty
        ? page.waitForEvent('console', message => message.text() === 'settled')
        : undefined
      await page.goto(`${pages.origin}/notes?settings=${encodeURIComponent(given)}#here`)
      await settled
      await button(page, 'Read').waitFor()
      return page
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([pages[Symbol.asyncDispose](), notes.close(), authorizationServer.close()])
    },
  }
}

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

/** What the page shows once its work is done. */
export async function shown(page: Page): Promise<string> {
  const output = page.locator('output:not(:empty)')
  // A window that was closed before anything was seen in it is noticed late.
  await output.waitFor({ state: 'attached', timeout: 25_000 })
  return (await output.textContent()) ?? ''
}

/** Logs in as a person does; a browser that the authorization server remembers is only asked to consent. */
export async function logIn(page: Page): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill('ada')
  await page.getByPlaceholder('and password').fill('correct horse')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await consent(page)
}

export const consent = (page: Page): Promise<void> => page.getByRole('button', { name: 'Continue' }).click()
