import type { CredentialKey } from '../oauth/store/credential-store.ts'

/** A text that differs for every key. */
export function recordName({ server, profile }: CredentialKey): string {
  return JSON.stringify([server, profile])
}

/** The key that {@link recordName} named; undefined for any other text. */
export function keyOfName(name: string): CredentialKey | undefined {
  try {
    const [server, profile]: readonly unknown[] = JSON.parse(name)
    return typeof server === 'string' && typeof profile === 'string' ? { server, profile } : undefined
  } catch {
    return undefined
  }
}
