import { readFile } from 'node:fs/promises'
import type { ClientKey, CredentialKey, CredentialStore } from 'latchkey/oauth'
import type { Io } from './io.ts'
import { UsageError } from './usage-error.ts'

/**
 * The client secret in the environment variable that `--client-secret-env` names.
 *
 * @throws {UsageError} it is not set
 */
export function secretFromEnvironment(variable: string, env: Io['env']): string {
  const secret = env[variable]?.trim()
  if (secret !== undefined && secret !== '') return secret
  throw new UsageError(`--client-secret-env: the environment variable ${variable} is not set`, `export ${variable}=…`)
}

/** The secret that is stored with the client of an earlier login. */
export async function storedSecret(
  store: CredentialStore,
  key: CredentialKey,
  clientId: string,
): Promise<string | undefined> {
  const issuers = Object.values((await store.get(key))?.record.issuers ?? {})
  return issuers.find(({ registration }) => registration?.clientId === clientId)?.registration?.clientSecret
}

/**
 * The private key in the file that `--client-key` names: PKCS #8 PEM, a JWK, or a set of one.
 *
 * @throws {UsageError} it cannot be read; never quotes it
 */
export async function keyFromFile(file: string): Promise<ClientKey['key']> {
  let text: string
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch {
    throw new UsageError(`--client-key: ${file} cannot be read`)
  }
  if (!text.startsWith('{')) return text
  try {
    const value: unknown = JSON.parse(text)
    const keys = isObject(value) && Array.isArray(value['keys']) ? (value['keys'] as readonly unknown[]) : [value]
    const [key] = keys
    if (keys.length === 1 && isObject(key) && 'kty' in key) return key
  } catch {
    // What the parser says quotes the key.
  }
  throw new UsageError(`--client-key: ${file} holds no private key`, 'give a PKCS #8 PEM file, or a JWK')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
