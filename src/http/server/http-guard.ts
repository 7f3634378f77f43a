import type { AuthInfo } from '../../server/auth-info.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'

/** What stands before a server: `protect` makes one. Neither function throws; a failure inside is answered with 500 or 503. */
export interface HttpGuard {
  /** Paths that the guard itself answers to everybody, such as metadata; undefined for all others. Asked before anything else. */
  route(request: HttpRequest): HttpResponse | undefined
  /**
   * Decides by the headers alone, before the body is read. `auth` is absent only where anonymous requests are allowed; `headers` are those that
   * the answer carries besides its own, such as a fresh DPoP nonce.
   */
  authenticate(
    request: HttpRequest,
  ): Promise<
    | { readonly auth: AuthInfo | undefined; readonly headers?: Readonly<Record<string, string>> }
    | { readonly refused: HttpResponse }
  >
  /**
   * Decides what was understood, before anything runs. `needed`: every scope that the operations need together; empty for what is no operation, such
   * as opening a stream.
   */
  authorize(auth: AuthInfo | undefined, needed: readonly string[]): HttpResponse | undefined
  /** Whether the caller holds the scopes; for lists that show only what may be used. */
  holds(auth: AuthInfo | undefined, needed: readonly string[]): boolean
  /** The origins that pages may call from; undefined leaves the default. */
  readonly allowedOrigins?: '*' | readonly string[] | undefined
  /** Host names by which the server is reached besides loopback ones. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Lists show only what the caller may use. */
  readonly filtersLists: boolean
}
