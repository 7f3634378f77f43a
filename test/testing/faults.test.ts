import { describe, expect, it } from 'vitest'
import type { Fault } from '../../src/testing/faults.ts'
import { createRawClient } from './raw-client.ts'

describe('faults', () => {
  it('strike from the nth request on and as often as they are told, at a step or its variant', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login()
    raw.server.set({
      faults: {
        'token:refresh_token': { kind: 'status', status: 503, after: 1, times: 1, headers: { 'retry-after': '7' } },
      },
    })
    const refresh = (token: string) => raw.token(raw.refreshForm(clientId, token))
    const second: any = await (await refresh(tokens.refresh_token)).json()
    const failed = await refresh(second.refresh_token)
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '7'])
    expect((await refresh(second.refresh_token)).status).toBe(200)
    expect(raw.server.requestsTo('token').map(({ status }) => status)).toEqual([200, 200, 503, 200])
    expect(raw.server.requestsTo('token:refresh_token')).toHaveLength(3)
  })

  it('a lost answer spends the token all the same', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login()
    raw.server.set({ faults: { token: { kind: 'lost-answer', times: 1 } } })
    await expect(raw.token(raw.refreshForm(clientId, tokens.refresh_token))).rejects.toThrow('fetch failed')
    expect((await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).status).toBe(400)
  })

  it('a failed connection spends nothing and looks like the one of fetch', async () => {
    const raw = createRawClient()
    const { clientId, tokens } = await raw.login()
    raw.server.set({ faults: { token: { kind: 'connection-error', code: 'ECONNREFUSED', times: 1 } } })
    const failure = await raw.token(raw.refreshForm(clientId, tokens.refresh_token)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'TypeError', cause: { code: 'ECONNREFUSED' } })
    expect((await raw.token(raw.refreshForm(clientId, tokens.refresh_token))).status).toBe(200)
  })

  it('a held answer is processed first, a held request after', async () => {
    const raw = createRawClient()
    const { client } = await raw.register()
    for (const [kind, wasProcessed] of [
      ['held-answer', true],
      ['held-request', false],
    ] as const) {
      const form = raw.codeForm(client.client_id, await raw.code(client.client_id))
      let release: (() => void) | undefined
      const until = new Promise<void>(resolve => {
        release = resolve
      })
      raw.server.set({ faults: { token: { kind, until } } })
      const before = raw.server.secrets().length
      const pending = raw.token(form)
      for (let turn = 0; turn < 20; turn += 1) await new Promise(resolve => setImmediate(resolve))
      expect(raw.server.secrets().length > before, kind).toBe(wasProcessed)
      release?.()
      expect((await pending).status).toBe(200)
    }
  })

  it.each<[string, Fault]>([
    ['silent', { kind: 'silent' }],
    ['stalled-body', { kind: 'stalled-body' }],
    ['endless-body', { kind: 'endless-body' }],
  ])('%s ends only with the signal', async (_, fault) => {
    const raw = createRawClient({ faults: { mcp: fault } })
    const controller = new AbortController()
    const answer = raw.server
      .fetch(raw.mcpUrl, { method: 'POST', body: '{}', signal: controller.signal })
      .then(async response => {
        const reader = response.body!.getReader()
        for (;;) if ((await reader.read()).done) return 'ended'
      })
    let settled = false
    const watched = answer.catch((error: unknown) => error).finally(() => (settled = true))
    for (let turn = 0; turn < 20; turn += 1) await new Promise(resolve => setImmediate(resolve))
    expect(settled).toBe(false)
    controller.abort(new Error('enough'))
    expect(await watched).toMatchObject({ message: 'enough' })
  })

  it('a huge body has the size it is told', async () => {
    const raw = createRawClient({ faults: { mcp: { kind: 'huge-body', bytes: 150_000 } } })
    const response = await raw.server.fetch(raw.mcpUrl, { method: 'POST', body: '{}' })
    expect((await response.arrayBuffer()).byteLength).toBe(150_000)
  })
})

describe('its fetch', () => {
  it('leaves a redirect to the caller, refuses it, or follows it without the token to another origin', async () => {
    const raw = createRawClient({
      faults: { 'resource-metadata': { kind: 'redirect', to: 'https://auth.example/elsewhere', status: 307 } },
    })
    const url = 'https://mcp.example/.well-known/oauth-protected-resource/mcp'
    expect((await raw.server.fetch(url, { redirect: 'manual' })).status).toBe(307)
    await expect(raw.server.fetch(url, { redirect: 'error' })).rejects.toThrow(TypeError)
    const followed = await raw.server.fetch(url, {
      method: 'POST',
      body: 'kept',
      headers: { authorization: 'Bearer x', 'x-other': 'y' },
    })
    expect([followed.status, followed.url, followed.redirected]).toEqual([404, 'https://auth.example/elsewhere', true])
    const last = raw.server.requests.at(-1)!
    expect([last.method, last.body, last.headers['authorization'], last.headers['x-other']]).toEqual([
      'POST',
      'kept',
      undefined,
      'y',
    ])
  })

  it('cannot find a host that it does not play', async () => {
    const raw = createRawClient()
    await expect(raw.server.fetch('https://elsewhere.example')).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } })
  })

  it('sends nothing for a signal that was aborted before', async () => {
    const raw = createRawClient()
    await expect(raw.server.fetch(raw.mcpUrl, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow()
    expect(raw.server.requests).toEqual([])
  })
})

describe('the recording', () => {
  it('holds method, url, headers, form, JSON, step and status', async () => {
    const raw = createRawClient()
    await raw.login()
    const [registration] = raw.server.requestsTo('registration')
    expect(registration).toMatchObject({ method: 'POST', status: 201, json: { token_endpoint_auth_method: 'none' } })
    const [token] = raw.server.requestsTo('token:authorization_code')
    expect(token?.form?.get('resource')).toBe(raw.mcpUrl)
    expect(token?.headers['content-type']).toMatch('application/x-www-form-urlencoded')
  })

  it('knows every secret: code, verifier, state, both tokens', async () => {
    const raw = createRawClient()
    const { tokens } = await raw.login()
    const code = raw.server.requestsTo('token')[0]!.form!.get('code')
    expect(raw.server.secrets()).toEqual(
      expect.arrayContaining([
        tokens.access_token,
        tokens.refresh_token,
        code,
        'the-state',
        'a-verifier-that-is-forty-three-characters-long',
      ]),
    )
  })
})
