import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createLoopbackReceiver,
  type LoopbackReceiver,
  type LoopbackReceiverOptions,
} from '../../src/node/loopback-receiver.ts'
import type { CallbackOutcome } from '../../src/oauth/authorizer.ts'
import { load, sendRaw } from './loopback-client.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map(close => close()))
})

async function receiver(options: LoopbackReceiverOptions = {}): Promise<LoopbackReceiver> {
  const made = await createLoopbackReceiver(options)
  closing.push(() => made.close())
  return made
}

async function occupied(host: string, port = 0): Promise<number> {
  const server: Server = createServer()
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  closing.push(() => server.close())
  return (server.address() as { port: number }).port
}

async function freePort(): Promise<number> {
  const made = await createLoopbackReceiver()
  await made.close()
  return made.port
}

function held(): { promise: Promise<CallbackOutcome>; resolve: (outcome: CallbackOutcome) => void } {
  let resolve: (outcome: CallbackOutcome) => void = () => undefined
  const promise = new Promise<CallbackOutcome>(done => (resolve = done))
  return { promise, resolve }
}

const completed: CallbackOutcome = { status: 'completed' }

describe('the address', () => {
  it('R-AUTHZ-4 listens on http loopback before anything else knows the address', async () => {
    const { redirectUri, port } = await receiver()
    expect(redirectUri).toBe(`http://127.0.0.1:${port}/callback`)
    expect((await load(redirectUri)).status).toBe(503)
  })

  it('field A1: host, port and path of the redirect URI are options', async () => {
    const port = await freePort()
    const { redirectUri, receive } = await receiver({ host: 'localhost', port, path: '/oauth/done' })
    expect(redirectUri).toBe(`http://localhost:${port}/oauth/done`)
    const received = receive(async () => completed)
    expect((await load(redirectUri)).status).toBe(200)
    expect(await received).toEqual(completed)
  })

  it.each(['127.0.0.1', '::1'])('field A1: localhost is answered on %s', async address => {
    const { redirectUri, port, receive } = await receiver({ host: 'localhost' })
    void receive(async () => completed)
    const page = await load(redirectUri, { address, headers: { host: `localhost:${port}` } })
    expect(page.status).toBe(200)
  })

  it('field A2: a fixed port that is taken is an error, never another port', async () => {
    const port = await occupied('127.0.0.1')
    await expect(createLoopbackReceiver({ port })).rejects.toMatchObject({
      name: 'OAuthError',
      code: 'redirect_uri_refused',
      message: expect.stringContaining(`port ${port}`),
      detail: { received: 'EADDRINUSE', hint: expect.stringContaining('--redirect-port') },
    })
  })

  it('field A4: a port that another program has on ::1 is taken, for it would get the code', async () => {
    const port = await occupied('::1')
    await expect(createLoopbackReceiver({ port, host: 'localhost' })).rejects.toMatchObject({
      code: 'redirect_uri_refused',
      detail: { received: 'EADDRINUSE' },
    })
    const { port: other } = await receiver({
      host: 'localhost',
      preferredRedirectUris: [`http://localhost:${port}/callback`],
    })
    expect(other).not.toBe(port)
  })

  it('R-DCR-4 a registered redirect URI is bound exactly as it is, its host and path included', async () => {
    const port = await freePort()
    const registered = `http://localhost:${port}/elsewhere`
    expect((await receiver({ preferredRedirectUris: [registered] })).redirectUri).toBe(registered)
  })

  it('R-DCR-4 when its port is taken, the next registered one is bound, then any', async () => {
    const taken = await occupied('127.0.0.1')
    const free = await freePort()
    const preferredRedirectUris = [`http://127.0.0.1:${taken}/callback`, `http://127.0.0.1:${free}/callback`]
    expect((await receiver({ preferredRedirectUris })).port).toBe(free)
    const { redirectUri } = await receiver({ preferredRedirectUris })
    expect(preferredRedirectUris).not.toContain(redirectUri)
  })

  it('R-DCR-4 options win over a registered redirect URI that contradicts them', async () => {
    const port = await freePort()
    const preferredRedirectUris = [`http://localhost:${port}/callback`]
    expect((await receiver({ preferredRedirectUris, host: '127.0.0.1' })).port).not.toBe(port)
    expect((await receiver({ preferredRedirectUris, path: '/other' })).port).not.toBe(port)
    expect((await receiver({ preferredRedirectUris, host: 'localhost' })).port).toBe(port)
  })

  it.each([
    'https://127.0.0.1:4711/callback',
    'http://evil.example:4711/callback',
    'http://127.0.0.1.evil.example:4711/callback',
    'http://u@127.0.0.1:4711/callback',
    'http://127.0.0.1/callback',
    'http://127.0.0.1:0/callback',
    'http://127.0.0.1:99999/callback',
    'http://127.0.0.1:4711/callback?a=b',
    'http://127.0.0.1:4711/../callback',
    'not a url',
  ])('takes no address from %s', async preferred => {
    const { redirectUri, port } = await receiver({ preferredRedirectUris: [preferred] })
    expect(redirectUri).toBe(`http://127.0.0.1:${port}/callback`)
    expect(port).not.toBe(4711)
  })

  it.each(['callback', '/a b', '/a?b', '/a#b', '/../a', ''])(
    'refuses the path %j before anything is bound',
    async path => {
      await expect(createLoopbackReceiver({ path })).rejects.toMatchObject({ code: 'configuration' })
    },
  )
})

describe('who is answered', () => {
  const asks = async (host: string): Promise<number> => {
    const { redirectUri, port, receive } = await receiver()
    void receive(async () => completed)
    return (await load(redirectUri, { headers: { host: host.replace('PORT', String(port)) } })).status
  }

  it.each(['127.0.0.1:PORT', 'localhost:PORT'])('a browser that names %s', async host => {
    expect(await asks(host)).toBe(200)
  })

  it.each([
    'evil.example:PORT',
    'evil.example',
    '127.0.0.1',
    'localhost',
    '127.0.0.1:1',
    'localhost.:PORT',
    '[::1]:PORT',
    '127.0.0.1.evil.example:PORT',
    '0.0.0.0:PORT',
  ])('field A20: never one that names %s (DNS rebinding)', async host => {
    expect(await asks(host)).toBe(404)
  })

  it.each(['POST', 'HEAD', 'PUT', 'OPTIONS'])('a %s is no redirect and reaches no handler', async method => {
    const { redirectUri, receive } = await receiver()
    let handled = 0
    void receive(async () => (handled++, completed))
    expect((await load(`${redirectUri}?code=c&state=s`, { method })).status).toBe(405)
    expect(handled).toBe(0)
  })

  it.each(['/', '/favicon.ico', '/callback/', '/callback/x', '/CALLBACK'])('nothing is at %s', async path => {
    const { port, receive } = await receiver()
    let handled = 0
    void receive(async () => (handled++, completed))
    expect((await load(`http://127.0.0.1:${port}${path}`)).status).toBe(404)
    expect(handled).toBe(0)
  })

  it('a header of a megabyte, a line that is no request and a silent client end nothing', async () => {
    const { redirectUri, port, receive } = await receiver()
    const received = receive(async () => completed)
    const silent = connect(port, '127.0.0.1')
    await new Promise(resolve => silent.once('connect', resolve))
    const huge = `GET /callback HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx: ${'a'.repeat(1_000_000)}\r\n\r\n`
    expect(await sendRaw(port, huge)).toMatch(/^(HTTP\/1\.1 431|$)/)
    expect(await sendRaw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/)
    expect(await sendRaw(port, `GET // HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)).not.toContain('logged in')
    expect((await load(redirectUri)).status).toBe(200)
    expect(await received).toEqual(completed)
    silent.destroy()
  })

  it('closing ends silent connections and can be done twice', async () => {
    const { port, close } = await receiver()
    const silent = connect(port, '127.0.0.1')
    const ended = new Promise(resolve => silent.once('close', resolve))
    silent.on('error', () => undefined)
    await new Promise(resolve => silent.once('connect', resolve))
    await Promise.all([close(), close()])
    await ended
    await close()
    await expect(load(`http://127.0.0.1:${port}/callback`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('the answer', () => {
  it('R-AUTHZ-5 field A9: the page is held until the outcome is known, and then tells it', async () => {
    const { redirectUri, receive } = await receiver()
    const { promise, resolve } = held()
    const called = held()
    const received = receive(parameters => {
      expect(parameters.get('code')).toBe('c')
      called.resolve(completed)
      return promise
    })
    let answered = false
    const page = load(`${redirectUri}?code=c&state=s`).finally(() => (answered = true))
    await called.promise
    await new Promise(done => setImmediate(done))
    expect(answered).toBe(false)
    resolve({ status: 'failed', message: 'The token endpoint refused the code.' })
    const { status, body } = await page
    expect(status).toBe(400)
    expect(body).toContain('The login failed')
    expect(body).toContain('The token endpoint refused the code.')
    expect(body).not.toContain('You are logged in')
    expect(await received).toMatchObject({ status: 'failed' })
  })

  it('R-AUTHZ-3 an unknown state gets a polite page and the good one is still awaited', async () => {
    const { redirectUri, receive } = await receiver()
    const received = receive(async parameters =>
      parameters.get('state') === 'good' ? completed : { status: 'ignored', message: 'Another login.' },
    )
    const first = await load(`${redirectUri}?code=c&state=stale`)
    expect([first.status, first.body.includes('Another login.')]).toEqual([400, true])
    expect((await load(`${redirectUri}?code=c&state=good`)).status).toBe(200)
    expect(await received).toEqual(completed)
  })

  it('a callback that comes twice gets the same page twice, even when the login ends with the first', async () => {
    const { redirectUri, receive, close } = await receiver()
    const { promise, resolve } = held()
    let calls = 0
    const both = held()
    const received = receive(() => {
      if (++calls === 2) both.resolve(completed)
      return promise
    })
    const pages = [load(`${redirectUri}?code=c`), load(`${redirectUri}?code=c`)]
    await both.promise
    resolve(completed)
    await received
    await close()
    expect((await Promise.all(pages)).map(({ status }) => status)).toEqual([200, 200])
  })

  it('the login goes on when the person closes the tab before the outcome is known', async () => {
    const { port, receive } = await receiver()
    const { promise, resolve } = held()
    const called = held()
    const received = receive(() => {
      called.resolve(completed)
      return promise
    })
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /callback?code=c HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)
    await called.promise
    const gone = new Promise(done => socket.once('close', done))
    socket.resetAndDestroy()
    await gone
    // Answered after the server noticed that the other connection is gone.
    await load(`http://127.0.0.1:${port}/favicon.ico`)
    resolve(completed)
    expect(await received).toEqual(completed)
  })

  it('closing waits for a page whose outcome comes soon, and not for one whose outcome never does', async () => {
    const soon = await receiver()
    const { promise, resolve } = held()
    const called = held()
    void soon.receive(() => (called.resolve(completed), promise))
    const page = load(soon.redirectUri)
    await called.promise
    const closed = soon.close()
    resolve({ status: 'failed', message: 'The login was given up.' })
    expect((await page).body).toContain('The login was given up.')
    await closed

    const never = await receiver()
    const reached = held()
    void never.receive(() => (reached.resolve(completed), new Promise(() => undefined)))
    const cut = load(never.redirectUri).catch((error: unknown) => error)
    await reached.promise
    await never.close()
    expect(await cut).toMatchObject({ code: 'ECONNRESET' })
  })

  it('keeps no connection, stores no page and sends its address nowhere', async () => {
    const { redirectUri, receive } = await receiver()
    void receive(async () => completed)
    const { headers } = await load(`${redirectUri}?code=c`)
    expect(headers).toMatchObject({
      connection: 'close',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
  })
})
