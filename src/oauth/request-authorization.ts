import type { RejectedRequest } from './challenge-recovery.ts'
import type { OAuthError } from './errors.ts'

/** Signs one request. A signer rather than a bare token, because some schemes sign every request anew. */
export interface RequestSigner {
  /** The token behind the signature, to tell it apart from a newer one. */
  readonly accessToken: string
  /** Sets what authorizes this request. */
  sign(headers: Headers, request: { readonly method: string; readonly url: URL }): Promise<void>
  /** Takes note of an answer; true when it only asks for another signature of the same request, which is no attempt at authorization. */
  answered(response: Response, url: URL): boolean
}

/** What `withOAuth` asks of a session. */
export interface RequestAuthorization {
  /** Whether a token may go to `url` at all: https or loopback, the server's own origin and path (R-FETCH-1). */
  covers(url: URL): boolean
  /** How to sign a request that is sent now; without a signer there is no login, and `failure` says why if it was just lost. @throws {OAuthError} */
  prepare(signal?: AbortSignal): Promise<{ readonly signer?: RequestSigner; readonly failure?: OAuthError }>
  /** True when the request should be sent again. @throws {OAuthError} when it cannot be authorized */
  recover(rejected: RejectedRequest): Promise<boolean>
  succeeded(operation: string, accessToken: string | undefined): void
  grantId(): string | undefined
  /** `text` without the tokens of the login. */
  redact(text: string): string
  onInteraction(listener: (active: boolean) => void): () => void
}
