import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  determineScope,
  hasScope,
  parseScope,
  type ScopeSources,
  unionScopes,
} from '../../../src/oauth/protocol/scope.ts'

const REFRESHING = ['authorization_code', 'refresh_token']

describe('determineScope', () => {
  const sources: ScopeSources = {
    explicit: 'explicit',
    challenge: 'challenge',
    resourceScopes: ['resource', 'second'],
    configured: 'configured',
  }

  it('R-SCOPE-1 explicit, then challenge, then resource metadata, then configured, then none', () => {
    expect(determineScope(sources).base).toBe('explicit')
    expect(determineScope({ ...sources, explicit: undefined }).base).toBe('challenge')
    expect(determineScope({ ...sources, explicit: undefined, challenge: undefined }).base).toBe('resource second')
    expect(determineScope({ configured: 'configured' }).base).toBe('configured')
    expect(determineScope({})).toEqual({})
  })

  it('R-SCOPE-1 field S8: empty strings and lists are absent, never an empty parameter', () => {
    expect(determineScope({ ...sources, explicit: '', challenge: ' ' }).base).toBe('resource second')
    expect(determineScope({ explicit: '', challenge: '', resourceScopes: [], configured: '' })).toEqual({})
    expect(determineScope({ resourceScopes: [''], configured: 'c' }).base).toBe('c')
  })

  it('R-SCOPE-2 field S9: the catalogue of the authorization server is never asked for, nor openid invented', () => {
    expect(
      determineScope({ serverScopes: ['openid', 'everything', 'offline_access'], grantTypes: REFRESHING }),
    ).toEqual({})
    expect(determineScope({ configured: 'a', serverScopes: ['openid', 'a'] })).toEqual({
      base: 'a',
      authorization: 'a',
    })
  })

  it('R-SCOPE-3 appends offline_access when the server lists it and the client may refresh', () => {
    const input = { challenge: 'a', serverScopes: ['a', 'offline_access'], grantTypes: REFRESHING }
    expect(determineScope(input)).toEqual({ base: 'a', authorization: 'a offline_access' })
  })

  it.each<[string, ScopeSources, string | undefined]>([
    ['there is nothing else to ask for', { serverScopes: ['offline_access'], grantTypes: REFRESHING }, undefined],
    [
      'the server does not list it',
      { challenge: 'a', serverScopes: ['no_offline_access'], grantTypes: REFRESHING },
      'a',
    ],
    ['the server lists nothing', { challenge: 'a', grantTypes: REFRESHING }, 'a'],
    [
      'the client cannot refresh',
      { challenge: 'a', serverScopes: ['offline_access'], grantTypes: ['authorization_code'] },
      'a',
    ],
    ['the grant types are unknown', { challenge: 'a', serverScopes: ['offline_access'] }, 'a'],
    [
      'it is there already',
      { challenge: 'offline_access a', serverScopes: ['offline_access'], grantTypes: REFRESHING },
      'offline_access a',
    ],
    [
      'the issuer refused it before',
      { challenge: 'a', serverScopes: ['offline_access'], grantTypes: REFRESHING, refusesOfflineAccess: true },
      'a',
    ],
    [
      'the issuer refused it before and something else asks for it',
      { challenge: 'a offline_access', grantTypes: REFRESHING, refusesOfflineAccess: true },
      'a',
    ],
  ])('R-SCOPE-3 appends nothing when %s', (_, input, authorization) => {
    expect(determineScope(input).authorization).toBe(authorization)
  })

  it('R-SCOPE-4 strips it from any source but an explicit request when the published list lacks it', () => {
    const serverScopes = ['a']
    expect(determineScope({ challenge: 'a offline_access', serverScopes }).authorization).toBe('a')
    expect(determineScope({ resourceScopes: ['offline_access', 'a'], serverScopes }).authorization).toBe('a')
    expect(determineScope({ configured: 'a offline_access', serverScopes: [] }).authorization).toBe('a')
    expect(determineScope({ challenge: 'offline_access', serverScopes })).toEqual({})
    expect(determineScope({ explicit: 'a offline_access', serverScopes }).authorization).toBe('a offline_access')
  })

  it('R-SCOPE-4 an absent list strips nothing', () => {
    expect(determineScope({ challenge: 'a offline_access' }).authorization).toBe('a offline_access')
  })

  it('R-SCOPE-5 the base never holds offline_access, whatever asked for it', () => {
    const serverScopes = ['offline_access']
    for (const input of [
      { explicit: 'a offline_access' },
      { challenge: 'offline_access a', serverScopes },
      { configured: 'a', serverScopes, grantTypes: REFRESHING },
    ]) {
      const { base, authorization } = determineScope(input)
      expect(base).toBe('a')
      expect(hasScope(authorization, 'offline_access')).toBe(true)
    }
  })
})

describe('unionScopes', () => {
  it('R-SCOPE-7 keeps first-appearance order, previous first, without duplicates, undefined when empty', () => {
    expect(unionScopes('b a', 'c a b', undefined, 'd')).toBe('b a c d')
    expect(unionScopes('a a')).toBe('a')
    expect(unionScopes(undefined, '', '  ')).toBeUndefined()
    expect(unionScopes()).toBeUndefined()
  })

  it('R-SCOPE-7 property: holds exactly the tokens of both, once, the first ones in front', () => {
    const scope = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 5 }).map(list => list.join(' '))
    fc.assert(
      fc.property(scope, scope, (previous, next) => {
        const union = parseScope(unionScopes(previous, next))
        expect(new Set(union)).toEqual(new Set([...parseScope(previous), ...parseScope(next)]))
        expect(new Set(union).size).toBe(union.length)
        expect(union.slice(0, parseScope(previous).length)).toEqual(parseScope(previous))
        expect(unionScopes(union.join(' '), next)).toBe(unionScopes(previous, next))
      }),
    )
  })
})

it('compares whole tokens', () => {
  expect(hasScope('no_offline_access', 'offline_access')).toBe(false)
  expect(hasScope('a\toffline_access\nb', 'offline_access')).toBe(true)
  expect(hasScope(undefined, 'a')).toBe(false)
})
