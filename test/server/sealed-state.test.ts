import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { INTERNAL_ERROR, INVALID_PARAMS, RpcError } from '../../src/jsonrpc/errors.ts'
import { createSealedStates, type StateBinding } from '../../src/server/sealed-state.ts'
import { createMemoryStateClaim } from '../../src/server/state-claim.ts'

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const binding: StateBinding = {
  principal: 'https://issuer.example alice client-1',
  method: 'tools/call',
  params: { name: 'transfer', arguments: { to: 'bob', amount: 10, tags: ['a', { b: 1, c: 2 }] } },
}
const payload = { answers: { confirm: true }, step: 2 }

async function errorOf(action: () => unknown): Promise<unknown> {
  try {
    await action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('sealed state', () => {
  it('opens what it sealed, for the same request', async () => {
    const states = createSealedStates()
    for (const value of [payload, null, 'text', 0, [], undefined])
      expect(await states.open(await states.seal(value, binding), binding)).toEqual({ ok: true, payload: value })
  })

  it('makes no random key before there is something to seal, as runtimes refuse it outside of a request', async () => {
    const random = vi.spyOn(crypto, 'getRandomValues')
    const states = createSealedStates()
    expect(random).not.toHaveBeenCalled()
    await states.seal(payload, binding)
    expect(random).toHaveBeenCalled()
    random.mockRestore()
  })

  it('is opaque, URL-safe, and different every time', async () => {
    const states = createSealedStates({ key: key(1), now: () => 0 })
    const [one, other] = [await states.seal(payload, binding), await states.seal(payload, binding)]
    expect(one).toMatch(/^v1\.[\w-]+$/)
    expect(one.slice(3, 19)).not.toBe(other.slice(3, 19))
    expect(Buffer.from(one.slice(3), 'base64url').toString('latin1')).not.toMatch(/confirm|transfer|alice/)
  })

  it('opens whatever the order of parameters and however often the changing ones change', async () => {
    const states = createSealedStates()
    const sealed = await states.seal(payload, binding)
    const again = {
      requestState: sealed,
      inputResponses: { confirm: { action: 'accept' } },
      _meta: { progressToken: 7 },
      arguments: { tags: ['a', { c: 2, b: 1 }], amount: 10, to: 'bob' },
      name: 'transfer',
    }
    expect(await states.open(sealed, { ...binding, params: again })).toEqual({ ok: true, payload })
  })

  it.each<[string, StateBinding]>([
    ['principal', { ...binding, principal: 'https://issuer.example mallory client-1' }],
    ['method', { ...binding, method: 'prompts/get' }],
    ['name', { ...binding, params: { ...binding.params, name: 'other' } }],
    ['argument', { ...binding, params: { name: 'transfer', arguments: { to: 'mallory', amount: 10 } } }],
    ['additional parameter', { ...binding, params: { ...binding.params, more: null } }],
    ['missing parameter', { ...binding, params: { name: 'transfer' } }],
    [
      'order of a list',
      {
        ...binding,
        params: { name: 'transfer', arguments: { to: 'bob', amount: 10, tags: [{ b: 1, c: 2 }, 'a'] } },
      },
    ],
    [
      'nested _meta',
      { ...binding, params: { name: 'transfer', arguments: { ...(binding.params['arguments'] as object), _meta: 1 } } },
    ],
  ])('refuses state that comes with another %s', async (_, other) => {
    const states = createSealedStates()
    expect(await states.open(await states.seal(payload, binding), other)).toEqual({ ok: false, reason: 'foreign' })
  })

  it('refuses state from its expiry on', async () => {
    let time = 1000
    const states = createSealedStates({ now: () => time })
    const sealed = await states.seal(payload, binding)
    time += 10 * 60_000 - 1
    expect(await states.open(sealed, binding)).toEqual({ ok: true, payload })
    time += 1
    expect(await states.open(sealed, binding)).toEqual({ ok: false, reason: 'expired' })
    const brief = createSealedStates({ now: () => time, lifetimeMs: 5 })
    const short = await brief.seal(payload, binding)
    time += 5
    expect(await brief.open(short, binding)).toEqual({ ok: false, reason: 'expired' })
  })

  it('refuses what is damaged, cut, of another version, or no state at all', async () => {
    const states = createSealedStates()
    const sealed = await states.seal(payload, binding)
    const body = sealed.slice(3)
    for (const wrong of [
      `${sealed}-TAMPERED`,
      `${sealed}=`,
      `${sealed} `,
      sealed.slice(0, -1),
      sealed.slice(0, 30),
      `v2.${body}`,
      body,
      'v1.',
      'v1.AAAA',
      `v1.${'A'.repeat(38)}`,
      `v1.${'é'.repeat(60)}`,
      '',
      'null',
    ])
      expect(await states.open(wrong, binding), wrong).toEqual({ ok: false, reason: 'damaged' })
  })

  it('refuses state in which any character was changed', async () => {
    const states = createSealedStates()
    const sealed = await states.seal(payload, binding)
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.string({ minLength: 1, maxLength: 1 }), async (at, character) => {
        fc.pre(sealed[at] !== character)
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1)
        expect(await states.open(changed, binding)).toEqual({ ok: false, reason: 'damaged' })
      }),
    )
  })

  it('refuses every text that it did not seal', async () => {
    const states = createSealedStates()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async text => {
        for (const sealed of [text, `v1.${text}`])
          expect(await states.open(sealed, binding)).toEqual({ ok: false, reason: 'damaged' })
      }),
    )
  })

  it('refuses what the same key encrypted for another purpose', async () => {
    const aes = await crypto.subtle.importKey('raw', new Uint8Array(32).fill(1), 'AES-GCM', false, ['encrypt'])
    const iv = new Uint8Array(12)
    const text = new TextEncoder().encode(JSON.stringify({ id: 'a', expiresAt: 1e15, boundTo: 'b' }))
    const bytes = Buffer.concat([iv, new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, aes, text))])
    const states = createSealedStates({ key: key(1) })
    expect(await states.open(`v1.${bytes.toString('base64url')}`, binding)).toEqual({ ok: false, reason: 'damaged' })
  })

  it('opens what another process with the same key sealed, and nothing of one with its own', async () => {
    const sealed = await createSealedStates({ key: key(1) }).seal(payload, binding)
    expect(await createSealedStates({ key: key(1) }).open(sealed, binding)).toEqual({ ok: true, payload })
    const alone = await createSealedStates().seal(payload, binding)
    expect(await createSealedStates().open(alone, binding)).toEqual({ ok: false, reason: 'damaged' })
    expect(await createSealedStates({ key: key(2) }).open(sealed, binding)).toEqual({ ok: false, reason: 'damaged' })
  })

  it('seals with the first of several keys and opens with all', async () => {
    const [older, both, newer] = [[key(1)], [key(2), key(1)], [key(2)]].map(keys => createSealedStates({ key: keys }))
    const old = await older!.seal(payload, binding)
    const fresh = await both!.seal(payload, binding)
    expect(await both!.open(old, binding)).toEqual({ ok: true, payload })
    expect(await newer!.open(fresh, binding)).toEqual({ ok: true, payload })
    expect(await newer!.open(old, binding)).toEqual({ ok: false, reason: 'damaged' })
  })

  it('keeps its own copy of the key', async () => {
    const given = key(1)
    const states = createSealedStates({ key: given })
    given.fill(0)
    const sealed = await createSealedStates({ key: key(1) }).seal(payload, binding)
    expect((await states.open(sealed, binding)).ok).toBe(true)
  })

  it.each([
    ['a short key', { key: new Uint8Array(16) }, /32 random bytes/],
    ['a long key', { key: [key(1), new Uint8Array(33)] }, /32 random bytes/],
    ['text', { key: ['0'.repeat(32)] as unknown as Uint8Array[] }, /32 random bytes/],
    ['no key', { key: [] }, /0 keys/],
    ['nine keys', { key: Array.from({ length: 9 }, () => key(1)) }, /9 keys/],
    ['no lifetime', { lifetimeMs: 0 }, /lifetimeMs is 0/],
    ['an endless lifetime', { lifetimeMs: Number.POSITIVE_INFINITY }, /lifetimeMs is Infinity/],
  ])('refuses %s when it is created', (_, options, message) => {
    expect(() => createSealedStates(options)).toThrow(TypeError)
    expect(() => createSealedStates(options)).toThrow(message)
  })

  it('refuses a payload that would be longer than 65536 characters sealed, naming the limit', async () => {
    const states = createSealedStates({ now: () => 1_700_000_000_000 })
    const fits = await states.seal('a'.repeat(48_900), binding)
    expect(fits.length).toBeLessThanOrEqual(65_536)
    expect((await states.open(fits, binding)).ok).toBe(true)
    const error = await errorOf(() => states.seal('a'.repeat(49_200), binding))
    expect(error).toBeInstanceOf(RpcError)
    expect(error).toMatchObject({
      code: INTERNAL_ERROR,
      message: expect.stringMatching(/tools\/call.*of at most 65536/) as string,
    })
  })

  it('refuses a longer text without reading it', async () => {
    const atob = vi.spyOn(globalThis, 'atob')
    const tooLong = `v1.${'A'.repeat(65_534)}`
    expect(await createSealedStates().open(tooLong, binding)).toEqual({ ok: false, reason: 'damaged' })
    expect(atob).not.toHaveBeenCalled()
    atob.mockRestore()
  })

  it('refuses a payload that is no JSON', async () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    for (const wrong of [cyclic, 1n])
      expect(await errorOf(() => createSealedStates().seal(wrong, binding))).toMatchObject({ code: INTERNAL_ERROR })
  })

  it('refuses parameters nested deeper than 100, without running out of stack', async () => {
    const nested = (depth: number): unknown => {
      let value: unknown = 1
      for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { value }
      return value
    }
    const states = createSealedStates()
    const deep = { ...binding, params: { arguments: nested(100_000) } }
    expect(await errorOf(() => states.seal(payload, deep))).toMatchObject({ code: INVALID_PARAMS })
    expect(await states.open(await states.seal(payload, binding), deep)).toEqual({ ok: false, reason: 'foreign' })
    const allowed = { ...binding, params: { arguments: nested(98) } }
    expect((await states.open(await states.seal(payload, allowed), allowed)).ok).toBe(true)
  })
})

describe('a claim', () => {
  it('lets a state be used once, also when it comes twice at the same time', async () => {
    const states = createSealedStates({ claim: createMemoryStateClaim() })
    const sealed = await states.seal(payload, binding)
    const verdicts = await Promise.all([states.open(sealed, binding), states.open(sealed, binding)])
    expect(verdicts.filter(verdict => verdict.ok)).toHaveLength(1)
    expect(verdicts).toContainEqual({ ok: false, reason: 'used' })
    expect(await states.open(sealed, binding)).toEqual({ ok: false, reason: 'used' })
    expect((await states.open(await states.seal(payload, binding), binding)).ok).toBe(true)
  })

  it('is not spent by somebody else', async () => {
    const states = createSealedStates({ claim: createMemoryStateClaim() })
    const sealed = await states.seal(payload, binding)
    expect((await states.open(sealed, { ...binding, principal: 'mallory' })).ok).toBe(false)
    expect((await states.open(sealed, binding)).ok).toBe(true)
  })

  it('that fails leaves the state unopened', async () => {
    const states = createSealedStates({ claim: () => Promise.reject(new Error('store is down')) })
    const sealed = await states.seal(payload, binding)
    expect(await errorOf(() => states.open(sealed, binding))).toMatchObject({ message: 'store is down' })
  })

  it('in memory refuses more than its limit until some expire, rather than forget one', async () => {
    let time = 0
    const claim = createMemoryStateClaim({ maxClaims: 2, now: () => time })
    expect(await claim('a', 10)).toBe(true)
    expect(await claim('b', 20)).toBe(true)
    expect(await errorOf(() => claim('c', 20))).toMatchObject({ code: INTERNAL_ERROR })
    expect(await claim('a', 10)).toBe(false)
    time = 10
    expect(await claim('c', 20)).toBe(true)
    expect(await claim('b', 20)).toBe(false)
    expect(await errorOf(() => claim('d', 20))).toMatchObject({ code: INTERNAL_ERROR })
  })
})
