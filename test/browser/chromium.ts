import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'

const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const required = Boolean(process.env['LATCHKEY_REQUIRE_BROWSER'] ?? process.env['CI'])

/** Tests in one headless Chromium, which is started before the first; skipped where none is installed and none is required. */
export function describeInChromium(name: string, tests: (browser: () => Browser) => void): void {
  if (!executable && !required)
    console.warn(`skipped: no Chromium is installed, so nothing was tried in one: ${name} (apt-get install chromium)`)
  describe.skipIf(!executable && !required)(name, () => {
    let browser: Browser | undefined
    beforeAll(async () => {
      if (!executable)
        throw new Error('A browser is required here, and no Chromium is installed: apt-get install chromium')
      browser = await chromium.launch({
        executablePath: executable,
        // Playwright lets every page open windows; people's browsers do not.
        ignoreDefaultArgs: ['--disable-popup-blocking'],
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          '--disable-dev-shm-usage',
          // Nothing outside this machine is asked for: the provider's pages name a web font. Routes that abort would do, but with them
          // Playwright answers preflights itself, and servers see none.
          '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
        ],
      })
    })
    afterAll(async () => {
      await browser?.close()
    })
    tests(() => browser!)
  })
}
