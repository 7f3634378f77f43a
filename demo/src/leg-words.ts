import { answer, type Leg, requestParameters } from './leg.ts'
import { fingerprint, shortened } from './redaction.ts'
import { SCRIPTED_USER_AGENT } from './scripted-user.ts'

/** What an exchange was for. */
export type Purpose =
  | 'challenge'
  | 'discovery'
  | 'registration'
  | 'authorization'
  | 'login'
  | 'consent'
  | 'redirect'
  | 'token'
  | 'refresh'
  | 'call'
  | 'revocation'
  | 'keys'

/** Sent as the client's name by one who is neither latchkey nor the browser. */
export const STRANGER = 'somebody'

/** An exchange in words for a person: redacted, and nothing else of it may be printed. */
export interface LegWords {
  readonly purpose: Purpose
  readonly from: string
  readonly to: string
  readonly request: string
  readonly outcome: string
  readonly details: readonly string[]
}

/** Says what an exchange was; nothing for a page that only leads to the next. */
export function legWords(leg: Leg): LegWords | undefined {
  const described = leg.server === 'notes server' ? notesWords(leg) : authorizationServerWords(leg)
  if (!described) return undefined
  return {
    from: sender(leg),
    to: leg.server,
    request: `${leg.method} ${leg.url.pathname}`,
    outcome: String(leg.status),
    details: [],
    ...described,
  }
}

type Described = Pick<LegWords, 'purpose'> & Partial<LegWords>

function sender(leg: Leg): string {
  const agent = leg.requestHeaders.get('user-agent') ?? ''
  if (agent === SCRIPTED_USER_AGENT || agent.startsWith('Mozilla/')) return 'browser'
  if (agent === STRANGER) return STRANGER
  return agent.startsWith('jose') ? 'notes server' : 'latchkey'
}

function notesWords(leg: Leg): Described | undefined {
  if (leg.url.pathname.startsWith('/.well-known/')) {
    const { resource, authorization_servers: servers, scopes_supported: scopes } = answer(leg)
    return {
      purpose: 'discovery',
      details: [`resource ${text(resource)}`, `authorization server ${text(servers)} · scopes ${text(scopes)}`],
    }
  }
  const { method = '', params = '' } = requestParameters(leg)
  const tool = method === 'tools/call' ? /"name":"([\w-]+)"/.exec(params)?.[1] : undefined
  const request = `${leg.method} ${leg.url.pathname}  ${[method, tool].filter(Boolean).join(' ')}`.trimEnd()
  const challenge = leg.responseHeaders.get('www-authenticate')
  if (!challenge) return { purpose: 'call', request }
  const scope = /scope="([^"]*)"/.exec(challenge)?.[1]
  const error = /error="([^"]*)"/.exec(challenge)?.[1]
  return {
    purpose: 'challenge',
    request,
    details: [`${error ?? 'login needed'} · needs scope ${scope ?? '(none named)'}`],
  }
}

function authorizationServerWords(leg: Leg): Described | undefined {
  const path = leg.url.pathname
  const parameters = requestParameters(leg)
  if (path.includes('/.well-known/')) {
    const { issuer, code_challenge_methods_supported: pkce } = answer(leg)
    return { purpose: 'discovery', details: [`issuer ${text(issuer)} · PKCE ${text(pkce)}`] }
  }
  if (path === '/jwks') return { purpose: 'keys', details: ['the public keys that access tokens are verified with'] }
  if (path === '/reg') return { purpose: 'registration', details: registrationDetails(leg, parameters) }
  if (path === '/auth') return { purpose: 'authorization', details: authorizationDetails(leg.url.searchParams) }
  if (path.startsWith('/interaction/')) return interactionWords(leg, parameters)
  if (path.startsWith('/auth/')) return redirectWords(leg)
  if (path === '/token') return tokenWords(leg, parameters)
  if (path === '/token/revocation') {
    const { token = '', token_type_hint: hint = 'token' } = parameters
    return { purpose: 'revocation', details: [`${hint.replace('_', ' ')} ${fingerprint(token)}`, ...errorOf(leg)] }
  }
  return undefined
}

function registrationDetails(leg: Leg, parameters: Readonly<Record<string, string>>): readonly string[] {
  const { application_type: type, token_endpoint_auth_method: method } = parameters
  const { client_id: clientId } = answer(leg)
  return [`${type} application, authentication ${method}`, `client id ${shortened(text(clientId))}`, ...errorOf(leg)]
}

function authorizationDetails(query: URLSearchParams): readonly string[] {
  return [
    `scope    ${query.get('scope') ?? '(none)'}`,
    `resource ${query.get('resource') ?? '(none)'}`,
    `PKCE     ${query.get('code_challenge_method') ?? 'none'} ${shortened(query.get('code_challenge') ?? '')} · state ${shortened(query.get('state') ?? '')}`,
  ]
}

function interactionWords(leg: Leg, { prompt, login }: Readonly<Record<string, string>>): Described | undefined {
  if (leg.method !== 'POST') return undefined
  const request = 'POST /interaction/…'
  return prompt === 'login'
    ? { purpose: 'login', request, details: [`the person logs in as ${login}`] }
    : { purpose: 'consent', request, details: ['the person consents'] }
}

function redirectWords(leg: Leg): Described | undefined {
  const location = leg.responseHeaders.get('location')
  if (!location || !URL.canParse(location)) return undefined
  const target = new URL(location)
  if (target.origin === leg.url.origin) return undefined
  const shown = [...target.searchParams].map(
    ([name, value]) => `${name}=${name === 'iss' ? value : name === 'code' ? fingerprint(value) : shortened(value)}`,
  )
  return {
    purpose: 'redirect',
    request: 'GET /auth/…',
    details: [`back to latchkey at ${target.origin}${target.pathname}`, shown.join(' · ')],
  }
}

function tokenWords(leg: Leg, parameters: Readonly<Record<string, string>>): Described {
  const { grant_type: grant, resource, refresh_token: spent, code_verifier: verifier } = parameters
  const { access_token: access, refresh_token: refresh, scope, expires_in: expiresIn } = answer(leg)
  const sent =
    grant === 'refresh_token'
      ? `refresh token ${fingerprint(spent ?? '')}`
      : `one-time code${verifier ? ' and PKCE verifier' : ', no PKCE verifier'}`
  const got =
    typeof access === 'string'
      ? [
          `access token ${fingerprint(access)} for ${text(scope)}, ${text(expiresIn)} s`,
          typeof refresh === 'string' ? `refresh token ${fingerprint(refresh)}` : 'no refresh token',
        ]
      : errorOf(leg)
  return {
    purpose: grant === 'refresh_token' ? 'refresh' : 'token',
    request: `${leg.method} ${leg.url.pathname}  ${grant ?? ''}`,
    details: [`sends ${sent}`, `resource ${resource ?? '(none)'}`, ...got.map(line => `gets  ${line}`)],
  }
}

function errorOf(leg: Leg): readonly string[] {
  const { error } = answer(leg)
  return typeof error === 'string' ? [error] : []
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(' ')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '(none)'
}
