import { beforeEach, describe, expect, it, vi } from 'vitest'
import { jwtVerifier } from '../../src/resource-server/jwt-verifier.ts'
import { createSigningKeys, FRESH_MS, MAX_PROVEN, rememberProven } from '../../src/resource-server/signing-keys.ts'
import { IssuerWorld, makeKey, present, refusal } from './issuer-world.ts'

let world: IssuerWorld
beforeEach(async () => {
  world = await IssuerWorld.start()
})

describe('a token whose signature was proved', () => {
  it('is not verified again with the same keys', async () => {
    const verify = jwtVerifier(world.options)
    const token = await world.sign()
    await verify(present(token))
    const verifications = vi.spyOn(crypto.subtle, 'verify')
    try {
      expect((await verify(present(token))).subject).toBe('alice')
      expect(verifications).not.toHaveBeenCalled()
      await verify(present(await world.sign({ jti: 'j2' })))
      expect(verifications).toHaveBeenCalledTimes(1)
    } finally {
      verifications.mockRestore()
    }
  })

  it('is of no use once its key was withdrawn', async () => {
    const verify = jwtVerifier(world.options)
    const token = await world.sign({ exp: Math.floor(world.now / 1000) + 7_200 })
    await verify(present(token))
    world.keys = [await makeKey('ES256', 'two')]
    world.now += 2 * FRESH_MS
    expect(await refusal(verify(present(token)))).toMatchObject({ code: 'unknown_key' })
  })

  it('is still judged in everything else: expiry and audience', async () => {
    const verify = jwtVerifier(world.options)
    const token = await world.sign()
    await verify(present(token))
    expect(await refusal(verify({ ...present(token), audience: ['https://other.example.com'] }))).toMatchObject({
      code: 'wrong_audience',
    })
    world.now += 400_000
    expect(await refusal(verify(present(token)))).toMatchObject({ code: 'expired' })
  })

  it('proves nothing about another that shares its signature', async () => {
    const verify = jwtVerifier(world.options)
    const token = await world.sign()
    await verify(present(token))
    const [header, , signature] = token.split('.')
    const [, claims] = (await world.sign({ sub: 'mallory' })).split('.')
    expect(await refusal(verify(present(`${header}.${claims}.${signature}`)))).toMatchObject({ code: 'bad_signature' })
  })

  it('is forgotten when too many came after it', async () => {
    const keys = await createSigningKeys(world.options).current()
    for (let index = 0; index < MAX_PROVEN + 10; index += 1) rememberProven(keys, `token ${index}`)
    expect(keys.proven.size).toBe(MAX_PROVEN)
    expect(keys.proven.has('token 0')).toBe(false)
    expect(keys.proven.has(`token ${MAX_PROVEN + 9}`)).toBe(true)
  })
})
