import { createHash } from 'node:crypto'
import {
  createMisbehavingServer,
  type MisbehavingServer,
  type MisbehavingServerOptions,
} from '../../src/testing/misbehaving-server.ts'

export const REDIRECT_URI = 'http://127.0.0.1:33418/callback'
export const VERIFIER = 'a-verifier-that-is-forty-three-characters-long'
export const START = Date.UTC(2026, 10, 21)

/** A machine, a clock, and a client that does nothing by itself: for testing the machine. */
export function createRawClient(options: MisbehavingServerOptions = {}) {
  const clock = { now: START }
  const server: MisbehavingServer = createMisbehavingServer({ now: () => clock.now, ...options })
  const { issuer, mcpUrl } = server

  const post = (url: string, form: Record<string, string> | string, headers: Record<string, string> = {}) =>
    server.fetch(url, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' })

  const token = (form: Record<string, string>, headers?: Record<string, string>) =>
    post(`${issuer}/token`, form, headers)

  const register = async (metadata: Record<string, unknown> = {}) => {
    const response = await server.fetch(`${issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none', ...metadata }),
    })
    return {
      response,
      client: response.headers.get('content-type') === 'application/json' ? await response.json() : {},
    }
  }

  const authorizationUrl = (parameters: Record<string, string | undefined> = {}): URL => {
    const url = new URL(`${issuer}/authorize`)
    const all = {
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      state: 'the-state',
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      code_challenge_method: 'S256',
      resource: mcpUrl,
      scope: 'files:read',
      ...parameters,
    }
    for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value)
    return url
  }

  const code = async (clientId: string, parameters: Record<string, string> = {}): Promise<string> => {
    const redirect = await server.approve(authorizationUrl({ client_id: clientId, ...parameters }))
    return redirect.searchParams.get('code') ?? ''
  }

  const codeForm = (clientId: string, value: string) => ({
    grant_type: 'authorization_code',
    client_id: clientId,
    code: value,
    code_verifier: VERIFIER,
    redirect_uri: REDIRECT_URI,
    resource: mcpUrl,
  })

  const refreshForm = (clientId: string, refreshToken: string) => ({
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: refreshToken,
    resource: mcpUrl,
  })

  /** A whole login by hand. */
  const login = async (parameters: Record<string, string> = {}): Promise<{ clientId: string; tokens: any }> => {
    const { client } = await register()
    const response = await token(codeForm(client.client_id, await code(client.client_id, parameters)))
    return { clientId: client.client_id, tokens: await response.json() }
  }

  const call = (accessToken: string | undefined, method: string, params: Record<string, unknown> = {}) =>
    server.fetch(mcpUrl, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })

  const callTool = (accessToken: string | undefined, name: string) =>
    call(accessToken, 'tools/call', { name, arguments: {} })

  return {
    server,
    clock,
    issuer,
    mcpUrl,
    post,
    token,
    register,
    authorizationUrl,
    code,
    codeForm,
    refreshForm,
    login,
    call,
    callTool,
  }
}
