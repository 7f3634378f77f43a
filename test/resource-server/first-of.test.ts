import { beforeEach, describe, expect, it } from 'vitest'
import { firstOf } from '../../src/resource-server/first-of.ts'
import { introspectionVerifier } from '../../src/resource-server/introspection-verifier.ts'
import { jwtVerifier } from '../../src/resource-server/jwt-verifier.ts'
import { TokenError, type TokenErrorCode } from '../../src/resource-server/token-error.ts'
import type { Recognition, TokenVerifier } from '../../src/resource-server/token-verifier.ts'
import { withDpop } from '../../src/resource-server/with-dpop.ts'
import { IssuerWorld, JWKS_URI, present, refusal } from './issuer-world.ts'

const OTHER = 'https://other.example.com'
let seen: string[]
beforeEach(() => {
  seen = []
})

/** A verifier that says one thing. */
function scripted(name: string, verdict: TokenErrorCode | 'accepts' | Error, recognizes?: Recognition): TokenVerifier {
  const verify: TokenVerifier = async ({ token }) => {
    seen.push(name)
    if (verdict instanceof Error) throw verdict
    if (verdict !== 'accepts') throw new TokenError(verdict, `${name}: ${verdict}`, { step: 'test' })
    return { principal: name, scopes: [], claims: {}, token }
  }
  return recognizes ? Object.assign(verify, { recognizes: () => recognizes }) : verify
}

describe('several verifiers', () => {
  it.each<[string, readonly TokenVerifier[], string, string]>([
    [
      'the verdict of the one that recognizes a token is final',
      [scripted('a', 'inactive', 'yes'), scripted('b', 'accepts')],
      'inactive',
      'a',
    ],
    ['wherever it stands', [scripted('a', 'accepts'), scripted('b', 'expired', 'yes')], 'expired', 'b'],
    [
      'those that do not recognize a token are not shown it',
      [scripted('a', 'accepts', 'no'), scripted('b', 'inactive')],
      'inactive',
      'b',
    ],
    ['an unknown token is shown to the next', [scripted('a', 'inactive'), scripted('b', 'accepts')], 'b', 'a b'],
    [
      'a token for another audience is known, and that is final',
      [scripted('a', 'wrong_audience'), scripted('b', 'accepts')],
      'wrong_audience',
      'a',
    ],
    [
      'one that could not be asked does not hinder the next',
      [scripted('a', 'introspection_unavailable'), scripted('b', 'accepts')],
      'b',
      'a b',
    ],
    [
      'but where nobody else knows the token, that is what is said',
      [scripted('a', 'introspection_unavailable'), scripted('b', 'inactive')],
      'introspection_unavailable',
      'a b',
    ],
    ['in any order', [scripted('a', 'inactive'), scripted('b', 'keys_unavailable')], 'keys_unavailable', 'a b'],
    ['a token that nobody recognizes is of another issuer', [scripted('a', 'accepts', 'no')], 'wrong_issuer', ''],
  ])('%s', async (_name, verifiers, outcome, asked) => {
    const verdict = await firstOf(...verifiers)(present('token')).then(
      ({ principal }) => principal,
      (error: TokenError) => error.code,
    )
    expect(verdict).toBe(outcome)
    expect(seen.join(' ')).toBe(asked)
  })

  it('a fault in a verifier is not taken for a verdict', async () => {
    const verify = firstOf(scripted('a', new TypeError('bug')), scripted('b', 'accepts'))
    await expect(verify(present('token'))).rejects.toThrow('bug')
  })

  it('may be nested', async () => {
    const inner = firstOf(scripted('a', 'accepts', 'yes'), scripted('b', 'accepts', 'no'))
    expect(inner.recognizes?.('token')).toBe('yes')
    expect((await firstOf(scripted('c', 'accepts'), inner)(present('token'))).principal).toBe('a')
  })

  it.each([
    ['none', () => firstOf()],
    ['one that checks proofs by itself', () => firstOf(withDpop(scripted('a', 'accepts')))],
  ])('%s is refused at once', (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'configuration' }))
  })
})

it('JWTs go to their issuer and opaque tokens to the endpoint, which sees no JWT of others', async () => {
  const world = await IssuerWorld.start()
  const shown: string[] = []
  const verify = firstOf(
    jwtVerifier({ ...world.options, jwksUri: JWKS_URI }),
    jwtVerifier({ ...world.options, issuer: OTHER, jwksUri: JWKS_URI }),
    introspectionVerifier({
      endpoint: 'https://opaque.example.com/introspect',
      issuer: 'https://opaque.example.com',
      client: { clientId: 'rs', clientSecret: 's' },
      now: () => world.now,
      fetch: async (_url: unknown, init?: RequestInit) => {
        shown.push(new URLSearchParams(init?.body as string).get('token') ?? '')
        return Response.json({ active: true, aud: world.claims()['aud'], sub: 'carol' })
      },
    }),
  )
  const [own, other, third] = [
    await world.sign(),
    await world.sign({ iss: OTHER, sub: 'bob' }),
    await world.sign({ iss: 'x' }),
  ]
  expect((await verify(present(own))).subject).toBe('alice')
  expect((await verify(present(other))).subject).toBe('bob')
  expect((await verify(present('opaque'))).subject).toBe('carol')
  expect(await refusal(verify(present(third)))).toMatchObject({ code: 'wrong_issuer' })
  expect(await refusal(verify(present(await world.sign({ aud: 'x' }))))).toMatchObject({ code: 'wrong_audience' })
  expect(shown).toEqual(['opaque'])
})
