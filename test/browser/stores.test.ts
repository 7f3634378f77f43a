import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { storeContract } from '../../src/testing/store-contract.ts'
import type { OAuthError } from '../../src/oauth.ts'
import { bundlePages } from './bundle.ts'
import { describeInChromium } from './chromium.ts'
import { type PageServer, startPageServer } from './page-server.ts'
import './web-world.ts'

const KEY = { server: 'https://mcp.example.com/mcp', profile: 'default' }
const names = storeContract().map(({ name }) => name)

describeInChromium('the stores and the authorizer of a page', browser => {
  let pages: PageServer
  let context: BrowserContext
  let page: Page

  const openTab = async (): Promise<Page> => {
    const tab = await context.newPage()
    await tab.goto(pages.origin)
    await tab.waitForFunction(() => 'page' in window)
    return tab
  }
  beforeAll(async () => {
    pages = await startPageServer(await bundlePages(), [])
  })
  afterAll(() => pages?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    context = await browser().newContext()
    page = await openTab()
  })
  afterEach(() => context.close())

  it.each(['session storage', 'IndexedDB'])('%s keeps the contract of stores', async kind => {
    const broken = await page.evaluate(async wanted => {
      const { createIndexedDbStore, createWebStorageStore, storeContract: contract } = window.page
      const failures: string[] = []
      for (const { name, run } of contract()) {
        sessionStorage.clear()
        const database = crypto.randomUUID()
        const open = async () =>
          wanted === 'IndexedDB' ? createIndexedDbStore({ name: database }) : createWebStorageStore()
        await run({ open, reopen: open }).catch((error: unknown) => failures.push(`${name}: ${String(error)}`))
      }
      return failures
    }, kind)
    expect(broken).toEqual([])
    expect(names.length).toBeGreaterThan(20)
  })

  it('field M5: IndexedDB loses no change of three tabs that write under the lock, and reads what the last one wrote', async () => {
    const tabs = [page, await openTab(), await openTab()]
    const times = 40
    const add = (tab: Page): Promise<number> =>
      tab.evaluate(
        async ([key, count]) => {
          const store = window.page.createIndexedDbStore()
          let lost = 0
          for (let done = 0; done < count; done++) {
            await store.withLock(key, async () => {
              const found = await store.get(key)
              const next = String(Number(found?.record.current ?? 0) + 1)
              const record = { format: 1, ...key, issuers: {}, current: next } as const
              if ((await store.compareAndSet(key, found?.version ?? 0, record)) === undefined) lost++
            })
          }
          return lost
        },
        [KEY, times] as const,
      )
    expect(await Promise.all(tabs.map(add))).toEqual([0, 0, 0])
    const found = await page.evaluate(key => window.page.createIndexedDbStore().get(key), KEY)
    expect(found?.record.current).toBe(String(tabs.length * times))
  })

  it('field M8: frees the lock of a tab that is gone', async () => {
    const other = await openTab()
    const holding = other.evaluate(
      key => window.page.createIndexedDbStore().withLock(key, () => new Promise(() => undefined)),
      KEY,
    )
    const gone = holding.catch(() => 'gone')
    await other.waitForFunction(async () => (await navigator.locks.query()).held?.length === 1)
    await other.close()
    expect(await gone).toBe('gone')
    const ran = await page.evaluate(key => window.page.createIndexedDbStore().withLock(key, async () => 'ran'), KEY)
    expect(ran).toBe('ran')
  })

  it('refuses localStorage, where tabs see late what others wrote', async () => {
    const error = await page.evaluate(() => {
      try {
        return window.page.createWebStorageStore(localStorage).description
      } catch (thrown) {
        return { ...(thrown as object) }
      }
    })
    expect(error).toMatchObject({
      code: 'configuration',
      detail: { hint: expect.stringContaining('createIndexedDbStore') },
    })
  })

  it('field L4: a storage that is full, and a database of a newer version, are told as that', async () => {
    const codes = await page.evaluate(async key => {
      const { createIndexedDbStore, createWebStorageStore } = window.page
      const codeOf = (work: Promise<unknown>): Promise<unknown> =>
        work.then(
          () => 'fine',
          (error: { code: unknown }) => error.code,
        )
      const record = { format: 1, ...key, issuers: {} } as const
      sessionStorage.setItem('filler', 'x'.repeat(5 * 1024 * 1024 - 10))
      const full = await codeOf(createWebStorageStore().compareAndSet(key, 0, record))
      await new Promise(resolve => {
        indexedDB.open('newer', 1_000).addEventListener('success', resolve)
      })
      return { full, newer: await codeOf(createIndexedDbStore({ name: 'newer' }).get(key)) }
    }, KEY)
    expect(codes).toEqual({ full: 'unwritable', newer: 'newer_format' })
  })

  it('goes on after its database was deleted under it', async () => {
    const seen = await page.evaluate(async key => {
      const store = window.page.createIndexedDbStore()
      const record = { format: 1, ...key, issuers: {} } as const
      await store.compareAndSet(key, 0, record)
      await new Promise((resolve, reject) => {
        const deletion = indexedDB.deleteDatabase('latchkey')
        deletion.addEventListener('success', resolve)
        deletion.addEventListener('blocked', reject)
      })
      return [await store.get(key), await store.compareAndSet(key, 0, record)]
    }, KEY)
    expect(seen).toEqual([undefined, 1])
  })

  it('an authorizer takes no redirect URI of another origin', async () => {
    const thrown = await page.evaluate(() =>
      window.page
        .createPopupAuthorizer({ redirectUri: 'https://elsewhere.example/callback' })
        .prepare({})
        .then(
          () => 'fine',
          (error: OAuthError) => error.code,
        ),
    )
    expect(thrown).toBe('configuration')
  })
})
