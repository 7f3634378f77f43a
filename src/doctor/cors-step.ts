import { displayUrl } from '../oauth/protocol/display-text.ts'
import type { Examination } from './examination.ts'

/** Any origin will do: what matters is whether a page of another site may ask. */
const ORIGIN = 'https://page.example'
const HEADERS = 'authorization,content-type,mcp-protocol-version'
const TIMEOUT_MS = 5_000

/** A page cannot ask this about itself: the browser sends its own preflights. */
const MAY_ASK = !('document' in globalThis) && !('importScripts' in globalThis)

/** Looks whether web pages of other origins could use the server (field P5). For information only: never fails. */
export async function addCorsStep({ context, report, signal }: Examination, challenged: boolean): Promise<void> {
  if (!MAY_ASK) return
  const step = 'access from web pages (CORS)'
  const url = displayUrl(context.server)
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const ask = async (init: RequestInit): Promise<Response> => {
    const ended = signal ? AbortSignal.any([signal, timeout]) : timeout
    const response = await context.fetch(context.server, { redirect: 'manual', ...init, signal: ended })
    await response.body?.cancel()
    return response
  }
  try {
    const preflight = await ask({
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': HEADERS,
      },
    })
    const allowed = preflight.headers.get('access-control-allow-origin')
    if (!preflight.ok || (allowed !== '*' && allowed !== ORIGIN)) {
      const received = `${preflight.status}, ${allowed === null ? 'no Access-Control-Allow-Origin' : `only ${allowed}`}`
      report.add({ step, url, expected: 'an allowed preflight', received }, 'cors_missing')
      return
    }
    const answer = await ask({
      method: 'POST',
      headers: { origin: ORIGIN, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'cors', method: 'ping' }),
    })
    const exposed = answer.headers.get('access-control-expose-headers') ?? ''
    const hides = challenged && !/(?:^|[\s,])(?:www-authenticate|\*)(?:$|[\s,])/iu.test(exposed)
    report.add(
      { step, url, received: `allowed${exposed === '' ? '' : `, exposed: ${exposed}`}` },
      ...(hides ? (['cors_hides_challenge'] as const) : []),
    )
  } catch {
    // The connection was judged already.
  }
}
