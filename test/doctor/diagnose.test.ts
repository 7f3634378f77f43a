import { describe, expect, it } from 'vitest'
import type { Diagnosis, DiagnoseOptions } from '../../src/doctor/diagnosis.ts'
import { diagnose } from '../../src/doctor/diagnose.ts'
import { networkFinding, serverFinding } from '../../src/doctor/failure-codes.ts'
import { TransportError } from '../../src/jsonrpc/errors.ts'
import { authorizationCode } from '../../src/oauth/flows/authorization-code.ts'
import { clientCredentials } from '../../src/oauth/flows/client-credentials.ts'
import { staticToken } from '../../src/oauth/flows/static-token.ts'
import { createOAuthSession } from '../../src/oauth/session.ts'
import type { CredentialStore } from '../../src/oauth/store/credential-store.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'
import { StoreError } from '../../src/oauth/store/store-error.ts'
import { connectionError } from '../../src/testing/faults.ts'
import {
  createMisbehavingServer,
  type MisbehavingServer,
  type MisbehavingServerOptions,
} from '../../src/testing/misbehaving-server.ts'

import { BROKEN_SET_UPS } from './broken-set-ups.ts'

type Fetch = typeof globalThis.fetch

const atOnce = (): Promise<void> => Promise.resolve()

function examine(server: MisbehavingServer, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  return diagnose(server.mcpUrl, { fetch: server.fetch, sleep: atOnce, ...options })
}

const codes = ({ findings }: Diagnosis, ...severities: readonly string[]): readonly string[] =>
  findings.filter(({ severity }) => severities.includes(severity)).map(({ code }) => code)
const grave = (diagnosis: Diagnosis): readonly string[] => codes(diagnosis, 'error', 'warning')

/** Changes JSON documents on their way. */
function rewriting(server: MisbehavingServer, path: string, change: (document: object) => object): Fetch {
  return async (input, init) => {
    const response = await server.fetch(input, init)
    const url = input instanceof Request ? input.url : String(input)
    return url.includes(path) ? Response.json(change((await response.json()) as object)) : response
  }
}

async function logIn(server: MisbehavingServer, store: CredentialStore, clientId?: string): Promise<void> {
  const client = clientId === undefined ? undefined : { clientId }
  const grant = authorizationCode({ authorizer: server.authorizer(), ...(client && { client }) })
  await using session = createOAuthSession({ server: server.mcpUrl, fetch: server.fetch, store, grant })
  await session.login()
}

describe('a diagnosis in any runtime', () => {
  it.each(BROKEN_SET_UPS)('%s', async (_, switches, error) => {
    const diagnosis = await examine(createMisbehavingServer(switches))
    expect(grave(diagnosis)).toEqual([error])
    expect(diagnosis.ok).toBe(false)
  })

  it('finds nothing at healthy servers, protected and public', async () => {
    expect(grave(await examine(createMisbehavingServer()))).toEqual([])
    const open = createMisbehavingServer({ protection: 'nothing', resourceMetadataAt: 'nowhere' })
    expect(codes(await examine(open), 'error', 'warning', 'info')).toEqual(['cors_missing', 'public_server'])
  })

  it('a living login is tried, and takes no other step than every request would', async () => {
    const server = createMisbehavingServer()
    const store = createMemoryStore()
    await logIn(server, store)
    const diagnosis = await examine(server, { store })
    expect(grave(diagnosis)).toEqual([])
    expect(diagnosis.steps).toContainEqual(expect.objectContaining({ step: 'token', received: 'accepted' }))
    expect(server.requestsTo('token')).toHaveLength(1)
    expect(server.requestsTo('registration')).toHaveLength(1)
  })

  it('a server that is silent', async () => {
    const server = createMisbehavingServer({ faults: { mcp: { kind: 'silent' } } })
    expect(grave(await examine(server, { timeoutMs: 30 }))).toEqual(['server_timeout'])
  })

  it('a failure that the runtime does not explain, as in a browser', async () => {
    const fetch: Fetch = () => Promise.reject(new TypeError('Failed to fetch'))
    expect(grave(await diagnose('https://mcp.example/mcp', { fetch }))).toEqual(['network_failed'])
  })

  it('rejects, rather than to blame the server, when its signal fires', async () => {
    const server = createMisbehavingServer({ faults: { mcp: { kind: 'silent' } } })
    const signal = AbortSignal.timeout(20)
    await expect(examine(server, { signal })).rejects.toMatchObject({ code: 'aborted' })
  })

  it('field P7: a server that needs no login, over plain http', async () => {
    const mcpUrl = 'http://mcp.example/mcp'
    const server = createMisbehavingServer({ mcpUrl, protection: 'nothing', resourceMetadataAt: 'nowhere' })
    expect(grave(await examine(server))).toEqual(['unencrypted_public_server'])
  })

  it('an authorization server in a private network, named by a public server', async () => {
    const server = createMisbehavingServer({ authorizationServers: ['https://10.0.0.7'] })
    expect(grave(await examine(server))).toEqual(['private_address'])
  })

  it('field D12: a resource that is an internal address', async () => {
    const server = createMisbehavingServer({ resource: 'http://10.0.0.7:3000/mcp' })
    expect(grave(await examine(server))).toEqual(['resource_internal_address'])
  })

  it('field D14: an issuer that is no URL where anything could be', async () => {
    const fault = { kind: 'huge-body', bytes: 2_000_000 } as const
    const named = createMisbehavingServer({ faults: { 'resource-metadata': fault } })
    expect(grave(await examine(named))).toEqual(['resource_metadata_invalid'])
    const server = createMisbehavingServer()
    const fetch = rewriting(server, 'oauth-authorization-server', () => ({ issuer: server.issuer }))
    expect(grave(await examine(server, { fetch }))).toEqual(['server_metadata_missing'])
  })

  it('an authorization server that is not the configured one', async () => {
    const server = createMisbehavingServer()
    const grant = authorizationCode({ issuer: 'https://ours.example' })
    expect(grave(await examine(server, { grant }))).toEqual(['authorization_server_not_named'])
  })

  it('a grant that the authorization server does not list', async () => {
    const server = createMisbehavingServer()
    const grant = clientCredentials({ clientId: 'job', clientSecret: 'job-secret' })
    expect(grave(await examine(server, { grant }))).toEqual(['grant_not_supported'])
  })

  it('tokens bound to a key are required, and nobody issues them', async () => {
    const server = createMisbehavingServer()
    const required = { dpop_bound_access_tokens_required: true }
    const fetch = rewriting(server, 'protected-resource', document => ({ ...document, ...required }))
    expect(grave(await examine(server, { fetch }))).toEqual(['dpop_unavailable'])
  })

  it('R-EXC-1 says which exception is in force, and lets it through', async () => {
    const server = createMisbehavingServer({ pkceAdvertised: 'nowhere' })
    const issuerExceptions = [{ issuer: server.issuer, assumeS256: true, reason: 'ours', since: '2026-11-21' }]
    const diagnosis = await examine(server, { issuerExceptions })
    expect(grave(diagnosis)).toEqual([])
    expect(diagnosis.findings).toContainEqual(
      expect.objectContaining({ code: 'exception_in_force', received: 'ours (assumeS256)' }),
    )
  })

  it('tells what is only good to know', async () => {
    const server = createMisbehavingServer({ issAdvertised: false, challenge: 'without-metadata' })
    const grants = { grant_types_supported: ['authorization_code'] }
    const fetch = rewriting(server, 'oauth-authorization-server', document => ({ ...document, ...grants }))
    const diagnosis = await examine(server, { fetch })
    expect(grave(diagnosis)).toEqual([])
    const expected = [
      'challenge_without_metadata',
      'cors_missing',
      'iss_not_advertised',
      'refresh_not_advertised',
      'login_needed',
    ]
    expect(codes(diagnosis, 'info')).toEqual(expected)
  })

  it('a challenge of another scheme', async () => {
    const server = createMisbehavingServer({ challenge: 'none' })
    const fetch: Fetch = async (input, init) => {
      const response = await server.fetch(input, init)
      if (response.status === 401) response.headers.set('www-authenticate', 'Basic realm="files"')
      return response
    }
    expect(grave(await examine(server, { fetch }))).toEqual(['challenge_not_bearer'])
  })

  it.each([
    ['WWW-Authenticate', []],
    ['mcp-session-id', ['cors_hides_challenge']],
  ])('field P5: web pages may ask, and see %s', async (exposed, found) => {
    const server = createMisbehavingServer()
    const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed }
    const fetch: Fetch = async (input, init) => {
      if (init?.method === 'OPTIONS') return new Response(null, { status: 204, headers: cors })
      const response = await server.fetch(input, init)
      for (const [name, value] of Object.entries(cors)) response.headers.set(name, value)
      return response
    }
    const diagnosis = await examine(server, { fetch })
    expect(codes(diagnosis, 'info').filter(code => code.startsWith('cors'))).toEqual(found)
  })

  it('field V12: an authorization server that lists the resources it protects, and not this one', async () => {
    const found = async (listed: readonly string[]) => {
      const server = createMisbehavingServer()
      const fetch: Fetch = async (input, init) => {
        const response = await server.fetch(input, init)
        if (!new Request(input).url.includes('/.well-known/oauth-authorization-server')) return response
        return Response.json({ ...((await response.json()) as object), protected_resources: listed })
      }
      return grave(await examine(server, { fetch }))
    }
    expect(await found(['https://mcp.example/mcp'])).toEqual([])
    expect(await found(['https://mcp.example/mcp/'])).toEqual(['resource_not_listed'])
  })

  it('says where a redirect within the origin leads, which costs a request each time', async () => {
    const server = createMisbehavingServer({ protection: 'nothing', resourceMetadataAt: 'nowhere' })
    const fetch: Fetch = async (input, init) =>
      new Request(input).url.endsWith('/old')
        ? new Response(null, { status: 308, headers: { location: '/mcp' } })
        : server.fetch(input, init)
    const diagnosis = await diagnose('https://mcp.example/old', { fetch })
    expect(grave(diagnosis)).toEqual([])
    const expected = { step: 'redirect', ok: true, received: '308 to https://mcp.example/mcp' }
    expect(diagnosis.steps).toContainEqual(expect.objectContaining(expected))
  })

  it('field X6: a server of 2024-11-05', async () => {
    const results = { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 'old', version: '1' } }
    let write: ((text: string) => void) | undefined
    const fetch: Fetch = async (input, init) => {
      const { pathname } = new URL(new Request(input).url)
      if (pathname === '/sse' && (init?.method ?? 'GET') === 'GET') {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            write = text => controller.enqueue(new TextEncoder().encode(text))
            write('event: endpoint\ndata: /messages\n\n')
            init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason))
          },
        })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      }
      if (pathname !== '/messages') return new Response('not found', { status: 404 })
      const { id, method } = (await new Request(input, init).json()) as { id?: number; method: string }
      const answer = JSON.stringify({ jsonrpc: '2.0', id, result: results })
      if (method === 'initialize') write?.(`event: message\ndata: ${answer}\n\n`)
      return new Response(null, { status: 202 })
    }
    expect(grave(await diagnose('https://old.example/sse', { fetch }))).toEqual(['legacy_transport'])
  })
})

describe('a diagnosis of the client and its login', () => {
  const document = 'https://client.example/metadata.json'

  it('field R12: a client-id metadata document that is not taken, or refused', async () => {
    const grant = authorizationCode({ clientMetadataUrl: document })
    const plain = createMisbehavingServer()
    expect(grave(await examine(plain, { grant }))).toEqual(['client_metadata_document_unsupported'])
    const supported = { clientIdMetadataDocumentSupported: true } as const
    const taken = createMisbehavingServer({ ...supported })
    expect(grave(await examine(taken, { grant }))).toEqual([])
    const refusing = createMisbehavingServer({ ...supported, clientIdMetadataDocument: 'refused-at-authorize' })
    expect(grave(await examine(refusing, { grant }))).toEqual(['client_metadata_document_refused'])
    refusing.set({ registrationOffered: false })
    expect(grave(await examine(refusing, { grant }))).toEqual(['client_unknown'])
  })

  it('field A1: a redirect URI that is not registered, where it is known which one is used', async () => {
    const client = { clientId: 'app', redirectUris: ['http://localhost:3118/callback'] }
    const server = createMisbehavingServer({ clients: [client] })
    const grant = authorizationCode({ client: { clientId: 'app' } })
    expect(grave(await examine(server, { grant }))).toEqual([])
    const redirectUri = 'http://127.0.0.1:3118/callback'
    expect(grave(await examine(server, { grant, redirectUri }))).toEqual(['redirect_uri_refused'])
  })

  it('a configured client that was used at another authorization server', async () => {
    const redirectUris = ['http://127.0.0.1:7777/callback']
    const server = createMisbehavingServer({ clients: [{ clientId: 'app', redirectUris }] })
    const store = createMemoryStore()
    const authorizer = server.authorizer({ redirectUri: redirectUris[0] ?? '' })
    const grant = authorizationCode({ client: { clientId: 'app' }, authorizer })
    await using session = createOAuthSession({ server: server.mcpUrl, fetch: server.fetch, store, grant })
    await session.login()
    server.set({ authorizationServers: ['https://auth-two.example'] })
    expect(grave(await examine(server, { grant, store }))).toEqual(['client_of_other_issuer', 'login_at_other_issuer'])
  })

  it('a client secret that has expired, and a login of another client', async () => {
    const options: MisbehavingServerOptions = { registrationMethod: 'client_secret_basic', secretLifetimeS: 60 }
    const server = createMisbehavingServer(options)
    const store = createMemoryStore()
    await logIn(server, store)
    const later = { store, now: () => Date.now() + 61_000 }
    expect(grave(await examine(server, later))).toContain('client_secret_expired')
    const other = authorizationCode({ client: { clientId: 'other' } })
    expect(grave(await examine(server, { store, grant: other }))).toEqual(['client_unknown', 'login_of_other_client'])
  })

  it('says what is stored even where the way to the authorization server is broken', async () => {
    const server = createMisbehavingServer()
    const store = createMemoryStore()
    await logIn(server, store)
    server.set({ metadataIssuer: 'other-slash' })
    const diagnosis = await examine(server, { store })
    expect(grave(diagnosis)).toEqual(['issuer_trailing_slash'])
    expect(diagnosis.steps.at(-1)).toMatchObject({ step: 'login', received: expect.stringContaining('logged in') })
  })

  it('a token that the application supplies is tried, and nothing else is looked for', async () => {
    const server = createMisbehavingServer()
    const store = createMemoryStore()
    await logIn(server, store)
    const [key] = await store.list()
    const { issuers = {} } = (key && (await store.get(key)))?.record ?? {}
    const accessToken = issuers[server.issuer]?.grant?.accessToken ?? ''
    server.requests.length = 0
    const good = await examine(server, { grant: staticToken(accessToken) })
    expect(good.findings.map(({ code }) => code)).toEqual(['cors_missing'])
    expect(server.requestsTo('resource-metadata')).toHaveLength(0)
    const bad = await examine(server, { grant: staticToken('something-else') })
    expect(grave(bad)).toEqual(['token_rejected'])
    expect(JSON.stringify([good, bad])).not.toMatch(/something-else/)
  })

  it('field L4: a store that cannot be read', async () => {
    const server = createMisbehavingServer()
    const locked = new StoreError('locked', 'The keychain is locked.', { step: 'read credentials', hint: 'Unlock it.' })
    const store: CredentialStore = { ...createMemoryStore(), get: () => Promise.reject(locked) }
    const diagnosis = await examine(server, { store })
    expect(grave(diagnosis)).toEqual(['store_unreadable'])
    expect(diagnosis.findings.at(-1)).toMatchObject({ hint: 'Unlock it.' })
  })

  it('an account that may not use the server', async () => {
    const server = createMisbehavingServer()
    const store = createMemoryStore()
    await logIn(server, store)
    const fetch: Fetch = async (input, init) =>
      new Headers(init?.headers).has('authorization') ? new Response('no', { status: 403 }) : server.fetch(input, init)
    expect(grave(await examine(server, { store, fetch }))).toEqual(['token_forbidden'])
  })

  it('shows no token, code, secret or key, though the servers repeat them', async () => {
    const server = createMisbehavingServer({ registrationMethod: 'client_secret_post' })
    const store = createMemoryStore()
    await logIn(server, store)
    server.rejectAccessTokens()
    const echo = { kind: 'echoing-error', error: 'invalid_grant' } as const
    server.set({ faults: { token: echo, mcp: { ...echo, error: 'invalid_token', status: 401, after: 2 } } })
    const texts: unknown[] = []
    const headers = { 'x-api-key': 'api-key-that-is-secret' }
    const options = { store, headers, register: true, onEvent: (event: unknown) => texts.push(event) }
    const diagnosis = await examine(server, options)
    expect(diagnosis.ok).toBe(false)
    const shown = JSON.stringify([diagnosis, texts])
    const secrets = [...server.secrets(), headers['x-api-key']]
    expect(secrets.length).toBeGreaterThan(5)
    expect(secrets.filter(secret => shown.includes(secret))).toEqual([])
  })
})

describe('the judgement of a failure', () => {
  it.each([
    ['ENOTFOUND', 'dns_failed'],
    ['ECONNREFUSED', 'connection_failed'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_untrusted'],
    ['CERT_HAS_EXPIRED', 'tls_expired'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_wrong_host'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls_client_certificate'],
    ['EPROTO', 'tls_failed'],
  ])('field D17: %s', (code, finding) => {
    expect(networkFinding(connectionError(code))).toBe(finding)
  })

  it('says nothing of the server about what is the caller’s', () => {
    expect(serverFinding(new TransportError('aborted', 'x'))).toBeUndefined()
    expect(serverFinding(new TypeError('x'))).toBeUndefined()
  })
})
