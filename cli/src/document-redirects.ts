import type { Authorizer, PreparedAuthorizer } from 'latchkey/oauth'

const TIMEOUT_MS = 10_000
const MAX_CHARACTERS = 1_048_576

/** A loopback redirect URI that a document lists. */
export interface ListedRedirect {
  readonly uri: string
  readonly host: 'localhost' | '127.0.0.1'
  /** Absent: any port (RFC 8252 §7.3). */
  readonly port?: number
  readonly path: string
}

/**
 * The loopback redirect URIs that a client-id metadata document lists. None when it cannot be read: then the authorization
 * server is the one to say what is wrong.
 */
export async function documentRedirects(
  documentUrl: string,
  fetch: typeof globalThis.fetch,
): Promise<readonly ListedRedirect[]> {
  try {
    const response = await fetch(documentUrl, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = response.ok ? await response.text() : ''
    const document: unknown = text.length <= MAX_CHARACTERS ? JSON.parse(text) : undefined
    if (typeof document !== 'object' || document === null || !('redirect_uris' in document)) return []
    const { redirect_uris: uris } = document
    return Array.isArray(uris) ? uris.flatMap(uri => readRedirect(uri)) : []
  } catch {
    return []
  }
}

function readRedirect(uri: unknown): readonly ListedRedirect[] {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return []
  const { protocol, hostname, port, pathname, search } = new URL(uri)
  if (protocol !== 'http:' || search !== '' || (hostname !== '127.0.0.1' && hostname !== 'localhost')) return []
  return [{ uri, host: hostname, path: pathname, ...(port !== '' && { port: Number(port) }) }]
}

/** What of a redirect URI is chosen before a port is bound. */
export type RedirectShape = Partial<Pick<ListedRedirect, 'host' | 'path' | 'port'>>

/**
 * An authorizer that listens where the client-id metadata document says (field R13). What the person fixed narrows the list; a
 * stored registration, whose redirect URIs are wanted first, wins over the document.
 */
export function withDocumentRedirects(
  create: (shape: RedirectShape) => Authorizer,
  fixed: RedirectShape,
  listed: () => Promise<readonly ListedRedirect[]>,
): Authorizer {
  return {
    async prepare(options): Promise<PreparedAuthorizer> {
      if ((options.preferredRedirectUris ?? []).length > 0) return create(fixed).prepare(options)
      const all = await listed()
      const [first] = all.filter(redirect => fits(redirect, fixed))
      if (first === undefined) {
        if (all.length > 0) throw await refused(all, 'the redirect URI asked for is not in it')
        return create(fixed).prepare(options)
      }
      const { host, path } = first
      const candidates = all.filter(
        redirect => redirect.host === host && redirect.path === path && fits(redirect, fixed),
      )
      const ported = candidates.filter(({ port }) => port !== undefined).map(({ uri }) => uri)
      const prepared = await create({ ...fixed, host, path }).prepare({ ...options, preferredRedirectUris: ported })
      const matches = candidates.some(({ uri, port }) => port === undefined || uri === prepared.redirectUri)
      if (matches) return prepared
      await prepared.close()
      throw await refused(candidates, 'other programs hold all of its ports')
    },
  }
}

function fits(redirect: ListedRedirect, fixed: RedirectShape): boolean {
  return (
    (fixed.host === undefined || fixed.host === redirect.host) &&
    (fixed.path === undefined || fixed.path === redirect.path) &&
    (fixed.port === undefined || redirect.port === undefined || fixed.port === redirect.port)
  )
}

async function refused(listed: readonly ListedRedirect[], why: string): Promise<Error> {
  const { OAuthError } = await import('latchkey/oauth')
  return new OAuthError(
    'redirect_uri_refused',
    `The client-id metadata document lists no redirect URI that can be used: ${why}.`,
    {
      step: 'redirect URI',
      expected: listed
        .slice(0, 12)
        .map(({ uri }) => uri)
        .join(' '),
      hint: 'free one of the ports, or list another redirect URI in the document',
    },
  )
}
