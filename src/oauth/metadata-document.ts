import { OAuthError } from './errors.ts'
import type { OAuthEvent } from './events.ts'
import type { OAuthRequest, OAuthResponse } from './oauth-request.ts'

/** Waits before the second and the third try, in milliseconds; each is drawn between half and all of it. */
const RETRY_DELAYS_MS = [300, 1_200]
/** A server that asks for a longer pause than this is not waited for. */
const MAX_RETRY_AFTER_MS = 5_000

/** What a reader made of a document; see `ResourceMetadataVerdict` and `ServerMetadataVerdict`. */
type Verdict =
  | { readonly kind: 'found' }
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'invalid'; readonly error: OAuthError }
  | { readonly kind: 'unavailable'; readonly error: OAuthError }

/** One document to read. */
interface DocumentRequest {
  readonly step: string
  readonly url: string
  /** Whether a server named this URL; a guessed one may be anything. */
  readonly named: boolean
  readonly signal: AbortSignal | undefined
}

/** Fetches a metadata document and has it judged, again with jitter while it is unavailable (R-PRM-2, R-ASM-3). */
export type DocumentReader = <V extends Verdict>(
  document: DocumentRequest,
  judge: (response: OAuthResponse) => V,
) => Promise<V | Extract<Verdict, { kind: 'absent' | 'invalid' | 'unavailable' }>>

/** Creates the {@link DocumentReader} of one session. */
export function createDocumentReader(context: {
  readonly request: OAuthRequest
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly jitter: () => number
  readonly emit: (event: OAuthEvent) => void
}): DocumentReader {
  return async (document, judge) => {
    for (let tries = 0; ; tries++) {
      const verdict = await readOnce(context.request, document, judge)
      const delayMs = RETRY_DELAYS_MS[tries]
      if (verdict.kind !== 'unavailable' || delayMs === undefined) return verdict
      const { retryAfterMs = 0 } = verdict.error.detail
      if (retryAfterMs > MAX_RETRY_AFTER_MS) return verdict
      const waitMs = Math.max(retryAfterMs, delayMs * (0.5 + context.jitter() / 2))
      context.emit({ type: 'retryScheduled', step: document.step, delayMs: waitMs })
      await context.sleep(waitMs, document.signal)
    }
  }
}

async function readOnce<V extends Verdict>(
  request: OAuthRequest,
  { step, url, named, signal }: DocumentRequest,
  judge: (response: OAuthResponse) => V,
): Promise<V | Extract<Verdict, { kind: 'absent' | 'invalid' | 'unavailable' }>> {
  try {
    const headers = { accept: 'application/json' }
    return judge(await request({ step, method: 'GET', url, headers, ...(signal && { signal }) }))
  } catch (error) {
    if (!(error instanceof OAuthError) || error.code === 'aborted') throw error
    if (error.retryable) return { kind: 'unavailable', error }
    // A guessed URL that leads to a login page or a download is simply not the document.
    if (!named && (error.code === 'redirect_refused' || error.code === 'response_too_large')) {
      return { kind: 'absent', why: error.message }
    }
    return { kind: 'invalid', error }
  }
}
