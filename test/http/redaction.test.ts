import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/http/connect.ts'
import { SERVER, World } from '../oauth/world.ts'

const KEY = 'key-9f8e7d6c5b4a'

/** Answers with what the request was authorized with, as servers that explain too much do. */
const echoes: Readonly<Record<string, (said: string) => Response>> = {
  'a 403 with text': said => new Response(`no: ${said}`, { status: 403 }),
  'a 500 with HTML': said => new Response(`<p>${said}</p>`, { status: 500, headers: { 'content-type': 'text/html' } }),
  'a JSON-RPC error in a 400': said =>
    Response.json({ jsonrpc: '2.0', id: null, error: { code: -32603, message: said, data: said } }, { status: 400 }),
  'a 200 with HTML': said => new Response(`<p>${said}</p>`, { headers: { 'content-type': 'text/html' } }),
  'a 200 with broken JSON': said => new Response(`{"${said}`, { headers: { 'content-type': 'application/json' } }),
}

describe.each(Object.entries(echoes))('%s that repeats what authorized the request', (_, echo) => {
  it('shows no access token in the error', async () => {
    const world = new World()
    const { session, fetch } = world.client()
    await session.login()
    const token = await session.accessToken()
    world.routes.set(`POST ${SERVER}`, ({ headers }) => echo(headers.get('authorization') ?? ''))
    const error = await connect(SERVER, { fetch, revision: '2026-07-28' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: 10 })).not.toContain(token)
  })

  it('shows no header of the caller in the error', async () => {
    const fetch = async (_input: unknown, init?: RequestInit) =>
      echo(new Headers(init?.headers).get('authorization') ?? '')
    const headers = { authorization: `Bearer ${KEY}` }
    const error = await connect(SERVER, { fetch, headers, revision: '2026-07-28' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: 10 })).not.toContain(KEY)
  })
})
