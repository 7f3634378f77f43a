import { createHash } from 'node:crypto'

/** Names a token so that two sightings of it can be told apart from two tokens, without showing any of it. */
export function fingerprint(secret: string): string {
  return `#${createHash('sha256').update(secret).digest('hex').slice(0, 6)}`
}

/** The beginning of a value that is long and says nothing. */
export function shortened(value: string): string {
  return value.length > 12 ? `${value.slice(0, 6)}…` : value
}
