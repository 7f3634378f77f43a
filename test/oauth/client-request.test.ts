import { describe, expect, it } from 'vitest'
import type { ClientIdentity } from '../../src/oauth/client-identity.ts'
import { sendAsClient, type ClientRequest } from '../../src/oauth/client-request.ts'
import type { AuthorizationTarget } from '../../src/oauth/discovery.ts'
import { createDpopKeys } from '../../src/oauth/dpop-key.ts'
import { createDpopNonces } from '../../src/oauth/dpop-nonces.ts'
import type { OAuthRequestInput } from '../../src/oauth/oauth-request.ts'
import { generateDpopJwk } from '../../src/oauth/protocol/dpop.ts'
import type { RemoteSigner } from '../../src/oauth/protocol/signing-key.ts'
import type { SessionContext } from '../../src/oauth/session-context.ts'
import { readJwt, testKey } from './keys.ts'

const ENDPOINT = 'https://as.example.com/token'
const TARGET = {
  authorizationServer: { issuer: 'https://as.example.com', raw: {} },
} as unknown as AuthorizationTarget

interface Answered {
  readonly status?: number
  readonly body?: unknown
  readonly nonce?: string
}

/** An endpoint that gives these answers in turn, the last one for ever. */
function endpoint(...answers: readonly Answered[]) {
  const sent: { headers: Headers; form: URLSearchParams }[] = []
  const context = {
    nonces: createDpopNonces(),
    dpopKeys: createDpopKeys(),
    policy: { timeoutMs: 30_000 },
    now: () => 1_800_000_000_000,
    randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    async request({ headers, body, url }: OAuthRequestInput) {
      const { status = 200, body: said = {}, nonce } = answers[Math.min(sent.length, answers.length - 1)] ?? {}
      sent.push({ headers: new Headers(headers), form: new URLSearchParams(String(body)) })
      const received = new Headers(nonce === undefined ? {} : { 'dpop-nonce': nonce })
      return {
        status,
        headers: received,
        contentType: 'application/json',
        body: JSON.stringify(said),
        url: String(url),
      }
    },
  } as unknown as SessionContext
  const send = (client: ClientIdentity, request: Partial<ClientRequest> = {}) => {
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    return sendAsClient(context, TARGET, client, { step: 'token request', url: ENDPOINT, form, ...request })
  }
  return { context, sent, send }
}

const client = (key: string | RemoteSigner): ClientIdentity => ({
  kind: 'pre-registered',
  clientId: 'robot',
  tokenEndpointAuthMethod: 'private_key_jwt',
  privateKey: { key },
})
const ROBOT = client(testKey('P-256').pem)
const DEMAND = { status: 400, body: { error: 'use_dpop_nonce' } }
const proofsOf = (sent: readonly { headers: Headers }[]) =>
  sent.map(({ headers }) => readJwt(headers.get('dpop') ?? '').payload)

describe('a demand for a nonce', () => {
  it('R-DPOP-1 R-JWT-1 is met once, with a new proof and a new assertion', async () => {
    const dpopJwk = await generateDpopJwk('ES256')
    const { send, sent } = endpoint({ ...DEMAND, nonce: 'n1' }, { nonce: 'n2' }, {})
    expect((await send(ROBOT, { dpopJwk })).answer.status).toBe(200)
    await send(ROBOT, { dpopJwk })
    expect(proofsOf(sent).map(({ nonce }) => nonce)).toEqual([undefined, 'n1', 'n2'])
    expect(new Set(proofsOf(sent).map(({ jti }) => jti)).size).toBe(3)
    const assertions = sent.map(({ form }) => readJwt(form.get('client_assertion') ?? '').payload['jti'])
    expect(new Set(assertions).size).toBe(3)
    expect(sent.map(({ form }) => form.getAll('client_assertion').length)).toEqual([1, 1, 1])
  })

  it.each<[string, number, readonly Answered[]]>([
    [
      'another one each time',
      2,
      [
        { ...DEMAND, nonce: 'n1' },
        { ...DEMAND, nonce: 'n2' },
      ],
    ],
    ['no nonce', 1, [DEMAND]],
    ['a hostile nonce', 1, [{ ...DEMAND, nonce: 'a b' }]],
    ['a nonce with a broken server', 1, [{ ...DEMAND, status: 500, nonce: 'n1' }]],
    ['a nonce with another error', 1, [{ status: 400, body: { error: 'invalid_grant' }, nonce: 'n1' }]],
    ['a nonce with a success', 1, [{ body: { error: 'use_dpop_nonce' }, nonce: 'n1' }]],
  ])('R-DPOP-1 does not loop: %s', async (_name, times, answers) => {
    const { send, sent } = endpoint(...answers)
    await send(ROBOT, { dpopJwk: await generateDpopJwk('ES256') })
    expect(sent).toHaveLength(times)
  })

  it('R-DPOP-1 does not loop: the nonce that was just sent', async () => {
    const { send, sent } = endpoint({ ...DEMAND, nonce: 'same' })
    const dpopJwk = await generateDpopJwk('ES256')
    await send(ROBOT, { dpopJwk })
    expect(sent).toHaveLength(2)
    await send(ROBOT, { dpopJwk })
    expect(sent).toHaveLength(3)
  })

  it('R-DPOP-1 is met with the nonce that was told, whatever another request was told meanwhile', async () => {
    const { context, send, sent } = endpoint({ ...DEMAND, nonce: 'mine' }, {})
    const key: RemoteSigner = {
      algorithm: 'EdDSA',
      async sign() {
        if (sent.length === 1) {
          context.nonces.note('authorization server', ENDPOINT, new Headers({ 'dpop-nonce': 'theirs' }))
        }
        return new Uint8Array(64)
      },
    }
    await send(client(key), { dpopJwk: await generateDpopJwk('ES256') })
    expect(proofsOf(sent).map(({ nonce }) => nonce)).toEqual([undefined, 'mine'])
  })

  it('R-DPOP-1 means nothing to a client without a key', async () => {
    const { send, sent } = endpoint({ ...DEMAND, nonce: 'n1' })
    await send(ROBOT)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.headers.has('dpop')).toBe(false)
  })
})

describe('a signer that keeps the key', () => {
  const hanging: RemoteSigner = { algorithm: 'ES256', sign: () => new Promise(() => {}) }

  it('R-JWT-1 is waited for as long as a server is, and nothing is sent', async () => {
    const { context, send, sent } = endpoint()
    Object.assign(context.policy, { timeoutMs: 10 })
    await expect(send(client(hanging))).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
      detail: { step: 'client authentication' },
    })
    expect(sent).toHaveLength(0)
  })

  it("R-JWT-1 the caller's signal ends the wait", async () => {
    const { send } = endpoint()
    const signal = AbortSignal.abort()
    await expect(send(client(hanging), { signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('what must not be shown', () => {
  it('R-TOKEN-2 is everything that proves something, and travels with the answer', async () => {
    const { send, sent } = endpoint()
    const dpopJwk = await generateDpopJwk('ES256')
    const form = new URLSearchParams({ grant_type: 'x', device_code: 'the-code', subject_token: 'the-subject' })
    const { answer, secrets } = await send(ROBOT, { dpopJwk, form })
    const [request] = sent
    expect(new Set<unknown>(secrets)).toEqual(
      new Set(['the-code', 'the-subject', request?.form.get('client_assertion'), request?.headers.get('dpop')]),
    )
    expect(answer.secrets).toEqual(secrets)
    // The caller's form stays as it was: another attempt is authenticated anew.
    expect([...form.keys()]).toEqual(['grant_type', 'device_code', 'subject_token'])
  })

  it.each(['client_secret_basic', 'client_secret_post'] as const)('R-TOKEN-2 %s: the secret itself', async method => {
    const { send } = endpoint()
    const identity = { kind: 'pre-registered', clientId: 'c', clientSecret: 'pass word' } as const
    expect((await send({ ...identity, tokenEndpointAuthMethod: method })).secrets).toContain('pass word')
  })
})
