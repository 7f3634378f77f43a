import { createServer } from 'node:http'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type AuthorizationPrompt,
  type BrowserAuthorizerOptions,
  createBrowserAuthorizer,
} from '../../src/node/browser-authorizer.ts'
import type {
  CallbackHandler,
  CallbackOutcome,
  PrepareOptions,
  PreparedAuthorizer,
} from '../../src/oauth/authorizer.ts'
import { load } from './loopback-client.ts'

const url = new URL('https://as.example.com/authorize?state=canary-state&client_id=x')
const completed: CallbackOutcome = { status: 'completed' }
/** Finishes the login of `state=good`. */
const handle: CallbackHandler = async parameters =>
  parameters.get('state') === 'good' ? completed : { status: 'ignored', message: 'This belongs to another login.' }

async function prepare(options: BrowserAuthorizerOptions, given: PrepareOptions = {}): Promise<PreparedAuthorizer> {
  const prepared = await createBrowserAuthorizer({ openBrowser: async () => true, ...options }).prepare(given)
  onTestFinished(() => prepared.close())
  return prepared
}

/** A terminal whose lines a test types one by one. */
function terminal(): {
  lines: (signal: AbortSignal) => AsyncIterable<string>
  type: (line: string) => void
  signal: () => AbortSignal | undefined
} {
  const waiting: string[] = []
  let wake: () => void = () => undefined
  let given: AbortSignal | undefined
  return {
    async *lines(signal) {
      given = signal
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        const line = waiting.shift()
        if (line === undefined) await new Promise<void>(resolve => (wake = resolve))
        else yield line
      }
    },
    type(line) {
      waiting.push(line)
      wake()
    },
    signal: () => given,
  }
}

afterEach(() => vi.useRealTimers())

describe('prepare', () => {
  it('R-AUTHZ-4 field R16: has a bound redirect URI, http on loopback, before any browser is opened', async () => {
    let opened = 0
    const { redirectUri } = await prepare({ openBrowser: async () => ++opened > 0 })
    expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    expect((await load(redirectUri)).status).toBe(503)
    expect(opened).toBe(0)
  })

  it('field A2, A4: a fixed port that is busy is an error before any browser, and names the port and the setting', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    await expect(prepare({ port })).rejects.toMatchObject({
      code: 'redirect_uri_refused',
      message: expect.stringContaining(String(port)),
      detail: { hint: expect.stringContaining('--redirect-port') },
    })
  })

  it('R-DCR-4 binds the redirect URI of an earlier registration again', async () => {
    const first = await prepare({ path: '/done', host: 'localhost' })
    await first.close()
    const { redirectUri } = await prepare({}, { preferredRedirectUris: [first.redirectUri] })
    expect(redirectUri).toBe(first.redirectUri)
  })

  it('field A1: a provider that takes localhost only is sent back there; what was chosen or registered goes first', async () => {
    const redirectHost = 'localhost'
    const { redirectUri } = await prepare({}, { redirectHost })
    expect(redirectUri).toMatch(/^http:\/\/localhost:\d+\/callback$/)
    const chosen = await prepare({ host: '127.0.0.1' }, { redirectHost })
    expect(chosen.redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:/)
    await chosen.close()
    const registered = await prepare({}, { redirectHost, preferredRedirectUris: [chosen.redirectUri] })
    expect(registered.redirectUri).toBe(chosen.redirectUri)
  })

  it('with an aborted signal binds nothing', async () => {
    const signal = AbortSignal.abort()
    await expect(prepare({}, { signal })).rejects.toMatchObject({ name: 'OAuthError', code: 'aborted' })
  })
})

describe('the browser', () => {
  it('is sent to the URL, and the prompt is told so', async () => {
    const opened: string[] = []
    const prompts: AuthorizationPrompt[] = []
    const { redirectUri, authorize } = await prepare({
      openBrowser: async target => {
        opened.push(target.href)
        return true
      },
      onPrompt: prompt => {
        prompts.push(prompt)
        void load(`${redirectUri}?state=good`)
      },
    })
    await authorize(url, handle)
    expect(opened).toEqual([url.href])
    expect(prompts).toEqual([{ url, browserOpened: true, port: Number(new URL(redirectUri).port) }])
  })

  const opens: Record<string, BrowserAuthorizerOptions['openBrowser'] & {}> = {
    'is switched off': false,
    'could not be opened': async () => false,
    'failed to open': () => Promise.reject(new Error('no browser')),
  }
  it.each(Object.entries(opens))(
    'field A3: when it %s the prompt says so, and the login can be finished elsewhere',
    async (_, openBrowser) => {
      const { redirectUri, authorize } = await prepare({
        openBrowser,
        onPrompt: ({ browserOpened }) => {
          expect(browserOpened).toBe(false)
          void load(`${redirectUri}?state=good`)
        },
      })
      await authorize(url, handle)
    },
  )

  it('field A3: nobody waits where nobody can see the URL', async () => {
    const { authorize } = await prepare({ openBrowser: false })
    await expect(authorize(url, handle)).rejects.toMatchObject({
      code: 'login_required',
      detail: { hint: expect.stringContaining('latchkey login') },
    })
  })

  it('a browser that is still starting does not hold up the answer', async () => {
    const prompts: unknown[] = []
    const { redirectUri, authorize } = await prepare({
      openBrowser: (): Promise<boolean> => {
        void load(`${redirectUri}?state=good`)
        return new Promise(() => undefined)
      },
      onPrompt: prompt => prompts.push(prompt),
    })
    await authorize(url, handle)
    expect(prompts).toEqual([])
  })
})

describe('the answer', () => {
  it('R-AUTHZ-3 an unknown state is answered politely and the good one still completes the login', async () => {
    const { redirectUri, authorize } = await prepare({})
    const authorized = authorize(url, handle)
    const pages = [
      (await load(`${redirectUri}?code=c&state=stale`)).body,
      (await load(`${redirectUri}?code=c&state=good`)).body,
    ]
    await authorized
    expect(pages[0]).toContain('This belongs to another login.')
    expect(pages[1]).toContain('You are logged in')
  })

  it('R-AUTHZ-5 field A9: the page tells of a failure, and authorize ends after it was sent', async () => {
    const { redirectUri, authorize, close } = await prepare({})
    const authorized = authorize(url, async () => ({ status: 'failed', message: 'The code was refused.' }))
    const page = load(`${redirectUri}?code=c&state=s`)
    await authorized
    await close()
    const { body } = await page
    expect(body).toContain('The login failed')
    expect(body).toContain('The code was refused.')
  })

  it.each([
    ['the whole address', (redirectUri: string) => `${redirectUri}?code=c&state=good`],
    ['its query', () => '?code=c&state=good'],
    ['its query without the question mark', () => 'code=c&state=good'],
  ])('field A3: %s may be pasted', async (_, line) => {
    const typed = terminal()
    const { redirectUri, authorize } = await prepare({ openBrowser: false, pastedLines: typed.lines })
    typed.type(line(redirectUri))
    await authorize(url, handle)
    expect(typed.signal()?.aborted).toBe(true)
  })

  it('field A3: what cannot be used is refused with a reason, and the next line is read', async () => {
    const typed = terminal()
    const refused: string[] = []
    const { authorize } = await prepare({
      openBrowser: false,
      pastedLines: typed.lines,
      onRefusedPaste: message => refused.push(message),
    })
    for (const line of ['', 'just-a-code', 'code=c', 'code=c&state=stale', 'code=c&state=good']) typed.type(line)
    await authorize(url, handle)
    expect(refused).toEqual([
      expect.stringContaining('not an address'),
      expect.stringContaining('lacks code or state'),
      'This belongs to another login.',
    ])
  })

  it('the end of what is pasted does not end the login', async () => {
    const { redirectUri, authorize } = await prepare({
      openBrowser: false,
      pastedLines: async function* () {
        yield 'nonsense'
        setImmediate(() => void load(`${redirectUri}?state=good`))
      },
    })
    await authorize(url, handle)
  })

  it('R-AUTHZ-5 a paste and a callback at once: both are told the one outcome', async () => {
    const typed = terminal()
    let decide: (outcome: CallbackOutcome) => void = () => undefined
    const outcome = new Promise<CallbackOutcome>(resolve => (decide = resolve))
    let calls = 0
    const { redirectUri, authorize, close } = await prepare({ pastedLines: typed.lines })
    const authorized = authorize(url, () => {
      if (++calls === 2) decide(completed)
      return outcome
    })
    const page = load(`${redirectUri}?code=c&state=good`)
    typed.type('code=c&state=good')
    await authorized
    await close()
    expect((await page).body).toContain('You are logged in')
  })
})

describe('how it ends otherwise', () => {
  it('field A19: with login_timeout after five minutes unless told otherwise, naming no secret', async () => {
    const { authorize } = await prepare({})
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ended = authorize(url, handle).then(
      () => undefined,
      (error: unknown) => error,
    )
    await vi.advanceTimersByTimeAsync(299_999)
    expect(await Promise.race([ended, Promise.resolve('waiting')])).toBe('waiting')
    await vi.advanceTimersByTimeAsync(1)
    const error = await ended
    expect(error).toMatchObject({
      code: 'login_timeout',
      message: expect.stringContaining('300 s'),
      detail: { url: 'https://as.example.com/authorize', received: 'nothing in 300 s' },
    })
    expect(JSON.stringify(error)).not.toContain('canary')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('field R3, A22: the time-out says what to do about a page that failed: forget the client, or tell who runs the server', async () => {
    const { authorize } = await prepare({ timeoutMs: 5 })
    const error = await authorize(url, handle).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ detail: { hint: expect.stringMatching(/logout --client.*as\.example\.com/) } })
  })

  it('a time-out longer than a timer can wait does not end at once', async () => {
    const { redirectUri, authorize } = await prepare({
      timeoutMs: Number.POSITIVE_INFINITY,
      onPrompt: () => setImmediate(() => void load(`${redirectUri}?state=good`)),
    })
    await authorize(url, handle)
  })

  it('R-AUTHZ-5 an answer that came in time is waited for past the time-out', async () => {
    let decide: (outcome: CallbackOutcome) => void = () => undefined
    const outcome = new Promise<CallbackOutcome>(resolve => (decide = resolve))
    const { redirectUri, authorize } = await prepare({ timeoutMs: 1_000 })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let called: () => void = () => undefined
    const handled = new Promise<void>(resolve => (called = resolve))
    const authorized = authorize(url, () => (called(), outcome))
    const page = load(`${redirectUri}?code=c&state=good`)
    await handled
    await vi.advanceTimersByTimeAsync(5_000)
    decide(completed)
    await authorized
    expect((await page).body).toContain('You are logged in')
  })

  it('R-AUTHZ-3 an answer to another login does not stop the time-out', async () => {
    const { redirectUri, authorize } = await prepare({ timeoutMs: 100 })
    const authorized = authorize(url, handle)
    const refusal = expect(authorized).rejects.toMatchObject({ code: 'login_timeout' })
    await load(`${redirectUri}?state=stale`)
    await refusal
  })

  it('with aborted, leaving no listener and no timer', async () => {
    const stop = new AbortController()
    const removed = vi.spyOn(stop.signal, 'removeEventListener')
    const added = vi.spyOn(stop.signal, 'addEventListener')
    const typed = terminal()
    const { redirectUri, authorize, close } = await prepare({ pastedLines: typed.lines }, { signal: stop.signal })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const authorized = authorize(url, handle)
    setImmediate(() => stop.abort())
    await expect(authorized).rejects.toMatchObject({ code: 'aborted' })
    expect(vi.getTimerCount()).toBe(0)
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length)
    expect(typed.signal()?.aborted).toBe(true)
    await close()
    await expect(load(redirectUri)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('closing twice is safe', async () => {
    const { close } = await prepare({})
    await Promise.all([close(), close()])
    await close()
  })
})
