import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBrowserAuthorizer } from 'latchkey/node'
import { describe, expect, it } from 'vitest'
import { documentRedirects, withDocumentRedirects, type RedirectShape } from '../../cli/src/document-redirects.ts'

const DOCUMENT = 'https://client.example/client.json'

const answering =
  (response: () => Response): typeof globalThis.fetch =>
  async () =>
    response()

async function redirectUri(
  listed: readonly string[],
  fixed: RedirectShape = {},
  preferred: readonly string[] = [],
): Promise<string> {
  const fetch = answering(() => Response.json({ redirect_uris: listed }))
  const authorizer = withDocumentRedirects(
    shape => createBrowserAuthorizer({ ...shape, openBrowser: false }),
    fixed,
    () => documentRedirects(DOCUMENT, fetch),
  )
  const prepared = await authorizer.prepare({ preferredRedirectUris: preferred })
  await prepared.close()
  return prepared.redirectUri
}

async function busyPort(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, close: () => new Promise(resolve => server.close(() => resolve())) }
}

async function freePort(): Promise<number> {
  const { port, close } = await busyPort()
  await close()
  return port
}

describe('field R13: the client-id metadata document says where to listen', () => {
  it('binds a listed port, with the listed host and path', async () => {
    const port = await freePort()
    expect(await redirectUri(['https://app.example/cb', `http://localhost:${port}/cb`])).toBe(
      `http://localhost:${port}/cb`,
    )
  })

  it('goes on to the next listed port when one is busy', async () => {
    const busy = await busyPort()
    const free = await freePort()
    expect(await redirectUri([busy.port, free].map(port => `http://127.0.0.1:${port}/callback`))).toBe(
      `http://127.0.0.1:${free}/callback`,
    )
    await busy.close()
  })

  it('refuses, before any browser, when every listed port is busy', async () => {
    const busy = await busyPort()
    const listed = `http://127.0.0.1:${busy.port}/callback`
    await expect(redirectUri([listed])).rejects.toMatchObject({
      code: 'redirect_uri_refused',
      detail: { expected: listed },
    })
    await busy.close()
  })

  it('takes any port where none is listed (RFC 8252 §7.3)', async () => {
    expect(await redirectUri(['http://127.0.0.1/cb'])).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/cb$/)
  })

  it('narrows the list by what the person fixed, and refuses what is not in it', async () => {
    const [one, two] = [await freePort(), await freePort()]
    const listed = [`http://127.0.0.1:${one}/a`, `http://localhost:${two}/b`]
    expect(await redirectUri(listed, { host: 'localhost' })).toBe(listed[1])
    await expect(redirectUri(listed, { path: '/c' })).rejects.toMatchObject({ code: 'redirect_uri_refused' })
  })

  it('leaves a stored registration its redirect URIs', async () => {
    const [listed, registered] = [await freePort(), await freePort()]
    expect(
      await redirectUri([`http://127.0.0.1:${listed}/callback`], {}, [`http://127.0.0.1:${registered}/callback`]),
    ).toBe(`http://127.0.0.1:${registered}/callback`)
  })

  it.each<[string, () => Response]>([
    ['an error', () => new Response('no', { status: 500 })],
    ['HTML', () => new Response('<html>')],
    ['null', () => Response.json(null)],
    ['no list', () => Response.json({ redirect_uris: 'http://127.0.0.1/cb' })],
    [
      'nothing usable',
      () =>
        Response.json({
          redirect_uris: [1, 'x', 'https://app.example/cb', 'http://10.0.0.1/cb', 'http://127.0.0.1/cb?x=1'],
        }),
    ],
  ])('reads no redirect URI out of %s', async (_name, response) => {
    expect(await documentRedirects(DOCUMENT, answering(response))).toEqual([])
  })

  it('reads none when the document cannot be had', async () => {
    expect(
      await documentRedirects(DOCUMENT, async () => {
        throw new TypeError('fetch failed')
      }),
    ).toEqual([])
  })
})
