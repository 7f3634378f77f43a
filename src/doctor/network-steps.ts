import { displayUrl } from '../oauth/protocol/display-text.ts'
import { isSecureUrl } from '../oauth/protocol/url.ts'
import type { Examination } from './examination.ts'
import type { Exchange } from './exchanges.ts'
import { serverFacts, type Reached } from './reach-server.ts'

/** A clock that is off by more than this is worth a word, in milliseconds: tokens are refreshed a minute before they end. */
const MAX_SKEW_MS = 60_000

const CONNECTION_CODES: ReadonlySet<string> = new Set([
  'dns_failed',
  'connection_failed',
  'server_timeout',
  'proxy_refused',
  'tls_untrusted',
  'tls_expired',
  'tls_wrong_host',
  'tls_client_certificate',
  'tls_failed',
  'network_failed',
])

/** Says through which proxy the server is reached, if through one. */
export function addProxyStep({ context, options, report }: Examination): void {
  const proxy = options.proxyOf?.(context.server)
  if (proxy === undefined) return
  report.add({ step: 'proxy', url: displayUrl(context.server), received: `requests go through the proxy ${proxy}` })
}

/** Says whether there is a connection at all, and whether its clock agrees with ours. */
export function addConnectionSteps(examination: Examination, reached: Reached): void {
  const { context, report } = examination
  const url = new URL(context.server)
  const expected = url.protocol === 'https:' ? 'a connection with a trusted certificate' : 'a connection'
  if (reached.kind === 'failed' && CONNECTION_CODES.has(reached.code)) {
    report.add({ step: 'connection', expected, ...serverFacts(reached.error, context.server) }, reached.code)
    return
  }
  const isOpen = reached.kind === 'open' && !isSecureUrl(url)
  report.add(
    { step: 'connection', url: displayUrl(context.server), received: `connected over ${url.protocol.slice(0, -1)}` },
    ...(isOpen ? (['unencrypted_public_server'] as const) : []),
  )
  addRedirectStep(examination, reached.exchanges)
  addClockStep(examination, reached.exchanges)
}

/** A redirect within the origin is followed, with every single message. */
function addRedirectStep({ context, report }: Examination, exchanges: readonly Exchange[]): void {
  const redirect = exchanges.find(({ status }) => status === 307 || status === 308)
  const location = redirect?.headers.get('location') ?? undefined
  if (redirect === undefined || location === undefined || !URL.canParse(location, redirect.url)) return
  const to = displayUrl(new URL(location, redirect.url))
  const hint = `Give ${to} as the URL of the server: it saves a request each time.`
  report.add({ step: 'redirect', url: displayUrl(context.server), received: `${redirect.status} to ${to}`, hint })
}

function addClockStep({ context, report }: Examination, exchanges: readonly Exchange[]): void {
  const last = exchanges.filter(({ headers }) => headers.has('date')).at(-1)
  const theirs = Date.parse(last?.headers.get('date') ?? '')
  if (last === undefined || Number.isNaN(theirs)) return
  const seconds = Math.round((theirs - context.now()) / 1000)
  const isOff = Math.abs(seconds) * 1000 > MAX_SKEW_MS
  const received = Math.abs(seconds) < 2 ? 'the same' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
  report.add(
    { step: 'clock', url: displayUrl(context.server), expected: 'within a minute of the clock here', received },
    ...(isOff ? (['clock_skew'] as const) : []),
  )
}
