import { expect, it } from 'vitest'
import type { CallbackOutcome } from '../../src/oauth/authorizer.ts'
import { createRawClient, REDIRECT_URI } from './raw-client.ts'

const completed: CallbackOutcome = { status: 'completed' }
const handle = async (): Promise<CallbackOutcome> => completed

it('takes the person to the page and hands the response over', async () => {
  const raw = createRawClient()
  const { client } = await raw.register()
  const authorizer = raw.server.authorizer()
  const prepared = await authorizer.prepare({})
  expect([prepared.redirectUri, authorizer.open()]).toEqual([REDIRECT_URI, 1])
  const seen: URLSearchParams[] = []
  const url = raw.authorizationUrl({ client_id: client.client_id })
  await prepared.authorize(url, async parameters => {
    seen.push(parameters)
    return completed
  })
  await prepared.close()
  expect(seen.map(parameters => parameters.get('state'))).toEqual(['the-state'])
  expect([authorizer.visits, authorizer.outcomes, authorizer.open()]).toEqual([[url], [completed], 0])
})

it('sends forged responses first and goes on only when they are ignored', async () => {
  const raw = createRawClient()
  const { client } = await raw.register()
  const authorizer = raw.server.authorizer({ forgedFirst: () => [new URLSearchParams('state=forged&code=x')] })
  const prepared = await authorizer.prepare({})
  const states: (string | null)[] = []
  await prepared.authorize(raw.authorizationUrl({ client_id: client.client_id }), async parameters => {
    states.push(parameters.get('state'))
    return states.length === 1 ? { status: 'ignored', message: 'no' } : completed
  })
  expect(states).toEqual(['forged', 'the-state'])
})

it('takes the preferred redirect URI unless told otherwise', async () => {
  const raw = createRawClient()
  const preferredRedirectUris = ['http://127.0.0.1:1/callback']
  expect((await raw.server.authorizer().prepare({ preferredRedirectUris })).redirectUri).toBe(
    'http://127.0.0.1:1/callback',
  )
  const own = raw.server.authorizer({ takesPreferred: false, redirectUri: 'http://127.0.0.1:2/callback' })
  expect((await own.prepare({ preferredRedirectUris })).redirectUri).toBe('http://127.0.0.1:2/callback')
})

it('times out on an error page, and ends with the signal', async () => {
  const raw = createRawClient()
  const url = raw.authorizationUrl({ client_id: 'nobody' })
  await expect((await raw.server.authorizer().prepare({})).authorize(url, handle)).rejects.toMatchObject({
    code: 'login_timeout',
  })
  const controller = new AbortController()
  const waiting = raw.server.authorizer({ beforeDecision: () => new Promise(() => {}) })
  const authorizing = (await waiting.prepare({ signal: controller.signal })).authorize(url, handle)
  controller.abort()
  await expect(authorizing).rejects.toMatchObject({ code: 'aborted' })
})
