import { connect } from '../http/connect.ts'
import { TransportError } from '../jsonrpc/errors.ts'
import { networkFailure } from '../network/network-failure.ts'
import { OAuthError } from '../oauth/errors.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { isStatelessRevision, LATEST_HANDSHAKE_REVISION, type ProtocolRevision } from '../protocol/revisions.ts'
import type { Examination } from './examination.ts'
import { type Exchange, recordExchanges } from './exchanges.ts'
import { serverFinding } from './failure-codes.ts'
import type { FindingCode } from './finding.ts'

const DEFAULT_TIMEOUT_MS = 15_000

/** How an attempt to open a conversation ended. */
export type Reached =
  | { readonly kind: 'open'; readonly revisions: readonly ProtocolRevision[]; readonly exchanges: readonly Exchange[] }
  /** 401 or 403, or a redirect off the origin, which may be a login page. */
  | {
      readonly kind: 'refused'
      readonly how: 'unauthorized' | 'forbidden' | 'redirect'
      readonly error: TransportError
      readonly exchanges: readonly Exchange[]
    }
  | {
      readonly kind: 'failed'
      readonly code: FindingCode
      readonly error: Error
      readonly exchanges: readonly Exchange[]
    }

/**
 * Opens a conversation with the server as every client does, through `fetch`, and closes it again; with a stateless revision, tries the
 * handshake as well, to learn whether both families are served.
 *
 * @throws {OAuthError} what `fetch` throws; `aborted`
 */
export async function reachServer(
  { context, options, signal }: Examination,
  fetch: typeof globalThis.fetch,
): Promise<Reached> {
  const recorded = recordExchanges(fetch)
  const { exchanges } = recorded
  const attempt = async (revision: 'auto' | ProtocolRevision): Promise<ProtocolRevision> => {
    const client = await connect(context.server, {
      fetch: recorded.fetch,
      revision,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(options.headers && { headers: options.headers }),
      ...(signal && { signal }),
    })
    try {
      return client.revision
    } finally {
      await client.close()
    }
  }
  try {
    const agreed = await attempt('auto')
    const other = isStatelessRevision(agreed) ? await handshakeRevision(attempt) : undefined
    return { kind: 'open', revisions: other === undefined ? [agreed] : [agreed, other], exchanges }
  } catch (error) {
    if (signal?.aborted) throw new OAuthError('aborted', 'The caller stopped waiting.', { step: 'MCP endpoint' })
    if (!(error instanceof Error)) throw error
    const code = serverFinding(error, exchanges.at(-1)?.headers)
    if (error instanceof TransportError && code !== 'firewall') {
      const how = howRefused(error)
      if (how !== undefined) return { kind: 'refused', how, error, exchanges }
    }
    if (code === undefined) throw error
    return { kind: 'failed', code, error, exchanges }
  }
}

function howRefused({ code, detail }: TransportError): 'unauthorized' | 'forbidden' | 'redirect' | undefined {
  if (code === 'unauthorized' || code === 'forbidden') return code
  return code === 'redirect_refused' && detail.status !== 307 && detail.status !== 308 ? 'redirect' : undefined
}

/** The handshake revision that the server takes besides; undefined when it takes none, or does not say now. */
async function handshakeRevision(
  attempt: (revision: ProtocolRevision) => Promise<ProtocolRevision>,
): Promise<ProtocolRevision | undefined> {
  try {
    return await attempt(LATEST_HANDSHAKE_REVISION)
  } catch {
    return undefined
  }
}

/** What an error of the MCP endpoint says, for a step. */
export function serverFacts(
  error: Error,
  server: string,
): { readonly url: string; readonly received: string; readonly hint?: string } {
  const url = displayUrl(server)
  if (!(error instanceof TransportError)) return { url, received: error.message }
  const { hint } = error.detail
  if (error.code !== 'network') return { url, received: error.message, ...(hint !== undefined && { hint }) }
  const { words, code } = networkFailure(error.cause)
  return { url, received: code === undefined ? words : `${words} (${code})`, ...(hint !== undefined && { hint }) }
}
