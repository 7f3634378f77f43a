import { isLoopbackHost } from './host-address.ts'

/** `new URL` that answers undefined instead of throwing. */
export function parseUrl(value: string): URL | undefined {
  try {
    return new URL(value)
  } catch {
    return undefined
  }
}

/** True for https, and for http to a loopback host: what may carry OAuth messages (R-ASM-4). */
export function isSecureUrl(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}
