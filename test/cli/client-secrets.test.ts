import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyFromFile, secretFromEnvironment, storedSecret } from '../../cli/src/client-secrets.ts'
import { createMemoryStore } from '../../src/oauth/store/memory-store.ts'

const PEM = '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----'
const JWK = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'canary' }

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-secrets-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function read(content: string): Promise<unknown> {
  const file = join(folder, 'key')
  await writeFile(file, content)
  return keyFromFile(file)
}

describe('the private key of a client', () => {
  it('R-JWT-1 is a PEM, a JWK, or a set of one', async () => {
    expect(await read(`\n${PEM}\n`)).toBe(PEM)
    expect(await read(JSON.stringify(JWK))).toEqual(JWK)
    expect(await read(JSON.stringify({ keys: [JWK] }))).toEqual(JWK)
  })

  it.each(['{', '{}', '{"d":"canary"}', '{"keys":[]}', '{"keys":["canary"]}', JSON.stringify({ keys: [JWK, JWK] })])(
    'R-JWT-1 %j is none, and is not quoted',
    async content => {
      const error: Error = await read(content).then(
        () => new Error('was accepted'),
        (reason: Error) => reason,
      )
      expect(error).toMatchObject({ name: 'UsageError', message: expect.stringContaining('holds no private key') })
      expect(String(error)).not.toContain('canary')
    },
  )

  it('R-JWT-1 a file that is not there is named', async () => {
    await expect(keyFromFile(join(folder, 'none'))).rejects.toThrow(/none cannot be read/)
  })
})

describe('the secret of a client', () => {
  it('comes from the variable, without the line end that files give it', () => {
    expect(secretFromEnvironment('SECRET', { SECRET: 'abc\n' })).toBe('abc')
    for (const env of [{}, { SECRET: '' }, { SECRET: ' ' }]) {
      expect(() => secretFromEnvironment('SECRET', env)).toThrow(/SECRET is not set/)
    }
  })

  it('is found with the client it was stored with, and with no other', async () => {
    const store = createMemoryStore()
    const key = { server: 'https://h.example/mcp', profile: 'default' }
    expect(await storedSecret(store, key, 'robot')).toBeUndefined()
    const registration = {
      kind: 'pre-registered',
      clientId: 'robot',
      clientSecret: 'abc',
      tokenEndpointAuthMethod: 'client_secret_basic',
    } as const
    await store.compareAndSet(key, 0, { format: 1, ...key, issuers: { 'https://auth.example': { registration } } })
    expect(await storedSecret(store, key, 'robot')).toBe('abc')
    expect(await storedSecret(store, key, 'other')).toBeUndefined()
    expect(await storedSecret(store, { ...key, profile: 'work' }, 'robot')).toBeUndefined()
  })
})
