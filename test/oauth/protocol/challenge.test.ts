import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authorizationChallenge, parseChallenges } from '../../../src/oauth/protocol/challenge.ts'

const headers = (...values: string[]): Headers => new Headers(values.map(value => ['www-authenticate', value]))

describe('parseChallenges', () => {
  it('R-CHAL-1 reads several challenges in one header and in several headers, in order', () => {
    const list = parseChallenges(['Basic realm="a", Bearer realm="b", error="x"', 'Negotiate abc=='])
    expect(list).toEqual([
      { scheme: 'basic', parameters: { realm: 'a' } },
      { scheme: 'bearer', parameters: { realm: 'b', error: 'x' } },
      { scheme: 'negotiate', token68: 'abc==', parameters: {} },
    ])
  })

  it('R-CHAL-1 reads token68 next to schemes with and without parameters', () => {
    expect(parseChallenges('Negotiate YWJj+/=, NTLM, Bearer scope=mcp')).toEqual([
      { scheme: 'negotiate', token68: 'YWJj+/=', parameters: {} },
      { scheme: 'ntlm', parameters: {} },
      { scheme: 'bearer', parameters: { scope: 'mcp' } },
    ])
  })

  it('R-CHAL-1 resolves quoted pairs and leaves commas and equal signs inside quotes alone', () => {
    expect(
      parseChallenges('Bearer error_description="say \\"hi\\", a=b \\\\ end", scope="a b"')[0]?.parameters,
    ).toEqual({
      error_description: 'say "hi", a=b \\ end',
      scope: 'a b',
    })
  })

  it('R-CHAL-1 takes parameter names case-insensitively and keeps the first value of duplicates', () => {
    expect(parseChallenges('BEARER Scope="first", SCOPE="second"')).toEqual([
      { scheme: 'bearer', parameters: { scope: 'first' } },
    ])
  })

  it('R-CHAL-1 allows white space around the equal sign and empty list elements', () => {
    expect(parseChallenges(', ,Bearer scope = "a" , , error= b')).toEqual([
      { scheme: 'bearer', parameters: { scope: 'a', error: 'b' } },
    ])
  })

  it('R-CHAL-1 reads unquoted URLs and missing commas as they are meant', () => {
    const url = 'https://h/.well-known/oauth-protected-resource?a=b'
    expect(parseChallenges(`Bearer realm="x" resource_metadata=${url}; scope="a"`)[0]?.parameters).toEqual({
      realm: 'x',
      resource_metadata: url,
      scope: 'a',
    })
  })

  it('R-CHAL-1 does not take the words of an unquoted description for schemes', () => {
    expect(parseChallenges('Bearer error_description=The token expired, resource_metadata="https://h/m"')).toEqual([
      { scheme: 'bearer', parameters: { error_description: 'The', resource_metadata: 'https://h/m' } },
    ])
  })

  it('R-CHAL-1 keeps parameters that follow an empty unquoted one', () => {
    expect(parseChallenges('Bearer scope=,resource_metadata="https://h/m"')[0]?.parameters).toEqual({
      resource_metadata: 'https://h/m',
    })
  })

  it.each(['""', '=,=', '"unterminated', ',,,', '   ', '"a", "b"', '{"error":"x"}'])(
    'R-CHAL-1 garbage %j gives an empty list',
    garbage => {
      expect(parseChallenges(garbage)).toEqual([])
    },
  )

  it('R-CHAL-1 keeps what came before a quote that never ends', () => {
    expect(parseChallenges('Bearer error="invalid_token", scope="a b')).toEqual([
      { scheme: 'bearer', parameters: { error: 'invalid_token' } },
    ])
  })

  it('R-CHAL-1 a parameter named __proto__ is a parameter', () => {
    const parameters = parseChallenges('Bearer __proto__="x", constructor="y"')[0]?.parameters ?? {}
    expect(Object.entries(parameters)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  it('R-CHAL-1 reads a hostile header in linear time', () => {
    for (const unit of ['a="', 'a=', '"', '\\"', 'a ', 'a=b ', ',a', 'a    ', '=']) {
      const startedAt = performance.now()
      parseChallenges(`Bearer ${unit.repeat(50_000)}`)
      expect(performance.now() - startedAt).toBeLessThan(2_000)
    }
  })
})

const isToken = (value: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u.test(value)

describe('parseChallenges, properties', () => {
  const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/u)
  const quoted = fc.string({ unit: fc.constantFrom(...'abc ,="\\;=äß\t/'.split('')), maxLength: 20 })
  const parameter = fc.record({ name: token, value: quoted, quotes: fc.boolean() })
  const challenge = fc.oneof(
    fc.record({ scheme: token, parameters: fc.array(parameter, { maxLength: 4 }) }),
    fc.record({ scheme: token, token68: fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,10}={0,2}$/u) }),
  )
  type Generated = { scheme: string; parameters?: { name: string; value: string; quotes: boolean }[]; token68?: string }

  const write = ({ scheme, parameters, token68 }: Generated, gap: string): string => {
    if (token68 !== undefined) return `${scheme} ${token68}`
    const list = (parameters ?? []).map(({ name, value, quotes }) =>
      !quotes && isToken(value) ? `${name}${gap}=${value}` : `${name}=${gap}"${value.replace(/["\\]/gu, '\\$&')}"`,
    )
    return list.length === 0 ? scheme : `${scheme} ${list.join(`${gap},${gap}`)}`
  }
  const read = ({ scheme, parameters, token68 }: Generated) => {
    const map = new Map<string, string>()
    for (const { name, value } of parameters ?? []) {
      if (!map.has(name.toLowerCase())) map.set(name.toLowerCase(), value)
    }
    const base = { scheme: scheme.toLowerCase(), parameters: Object.fromEntries(map) }
    return token68 === undefined ? base : { ...base, token68 }
  }

  it('R-CHAL-1 generated challenges come back as they were, joined or in headers of their own', () => {
    fc.assert(
      fc.property(
        fc.array(challenge, { maxLength: 4 }),
        fc.constantFrom('', ' ', '\t'),
        (challenges: Generated[], gap) => {
          const written = challenges.map(each => write(each, gap))
          const expected = challenges.map(read)
          expect(parseChallenges(written.join(', '))).toEqual(expected)
          expect(parseChallenges(written)).toEqual(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('R-CHAL-1 never throws, whatever the header, and invents nothing', () => {
    const pieces = fc.constantFrom(
      'Bearer',
      ' ',
      ',',
      '=',
      '"',
      '\\',
      'scope',
      'a',
      ';',
      '\t',
      '\u0000',
      '==',
      'é',
      '😀',
    )
    const hostile = fc.array(pieces, { maxLength: 40 }).map(list => list.join(''))
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string(), fc.string({ unit: 'binary', maxLength: 30 })), text => {
        for (const each of parseChallenges(text)) {
          expect(text.toLowerCase()).toContain(each.scheme)
          for (const name of Object.keys(each.parameters)) expect(text.toLowerCase()).toContain(name)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('authorizationChallenge', () => {
  it('R-CHAL-2 reads only the Bearer challenge, and no name that merely ends in scope', () => {
    expect(
      authorizationChallenge(headers('Basic scope="basic", error="no"', 'Bearer x_scope="wrong", scope="right"')),
    ).toEqual({ scheme: 'bearer', scope: 'right' })
    expect(authorizationChallenge(headers('Basic realm="x", scope="y"'))).toBeUndefined()
  })

  it('R-CHAL-2 falls back to the DPoP challenge, prefers Bearer, and of several the one that says anything', () => {
    expect(authorizationChallenge(headers('DPoP algs="ES256", error="invalid_token"'))).toEqual({
      scheme: 'dpop',
      error: 'invalid_token',
      dpop: { algorithms: ['ES256'] },
    })
    expect(authorizationChallenge(headers('DPoP scope="d", Bearer scope="b"'))?.scheme).toBe('bearer')
    expect(authorizationChallenge(headers('Bearer', 'Bearer scope="b"'))?.scope).toBe('b')
  })

  it.each<[string, object | undefined]>([
    ['Bearer scope="a"', undefined],
    ['DPoP', {}],
    ['DPoP algs=""', {}],
    ['DPoP algs="  ES256   PS256 "', { algorithms: ['ES256', 'PS256'] }],
    ['Bearer scope="a", DPoP algs="ES256"', { algorithms: ['ES256'] }],
    ['DPoP algs="ES256", Bearer scope="a"', { algorithms: ['ES256'] }],
    ['Bearer scope="a", algs="RS256", dpop error="use_dpop_nonce"', {}],
    ['Basic algs="ES256"', undefined],
  ])('R-DPOP-1 what %s says of proofs, beside whichever challenge is followed (RFC 9449 §7.1)', (value, dpop) => {
    expect(authorizationChallenge(headers(value))?.dpop).toEqual(dpop)
  })

  it('R-CHAL-2 an empty quoted value is absent', () => {
    expect(authorizationChallenge(headers('Bearer scope="", error=" ", resource_metadata=""'))).toEqual({
      scheme: 'bearer',
    })
  })

  it('R-CHAL-3 carries resource_metadata next to insufficient_scope and its description', () => {
    const url = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
    const value = `Bearer error="insufficient_scope", error_description="more", scope="a b", resource_metadata="${url}"`
    expect(authorizationChallenge(headers(value))).toEqual({
      scheme: 'bearer',
      error: 'insufficient_scope',
      errorDescription: 'more',
      scope: 'a b',
      resourceMetadata: url,
    })
  })

  it('R-CHAL-4 finds the header whatever its case; no answer and no header are no challenge', () => {
    expect(authorizationChallenge(new Headers({ 'WWW-AUTHENTICATE': 'bEaReR ScOpE="a"' }))?.scope).toBe('a')
    expect(authorizationChallenge(new Headers())).toBeUndefined()
    expect(authorizationChallenge(undefined)).toBeUndefined()
    expect(parseChallenges(null)).toEqual([])
    expect(parseChallenges(undefined)).toEqual([])
  })
})
