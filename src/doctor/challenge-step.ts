import { authorizationChallenge, type AuthorizationChallenge, parseChallenges } from '../oauth/protocol/challenge.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import type { Examination } from './examination.ts'
import type { FindingCode } from './finding.ts'
import { type Reached, serverFacts } from './reach-server.ts'

/** What is expected of a server that wants a login. */
const EXPECTED = '401 with WWW-Authenticate: Bearer resource_metadata="…"'

/** What a refused request without a token says about how the server asks for a login (RFC 6750 §3, RFC 9728 §5.1). */
export function challengeFinding(status: number, headers: Headers): FindingCode | undefined {
  const header = headers.get('www-authenticate')
  const challenge = authorizationChallenge(headers)
  if (status !== 401 && challenge === undefined) return undefined
  if (header === null) return 'challenge_missing'
  if (challenge === undefined) return 'challenge_not_bearer'
  return challenge.resourceMetadata === undefined ? 'challenge_without_metadata' : undefined
}

/** Reports how the server asked for authorization, and returns what it asked for. */
export function addChallengeStep(
  { context, report }: Examination,
  reached: Extract<Reached, { kind: 'refused' }>,
): AuthorizationChallenge | undefined {
  const { headers = new Headers(), status = 0 } = reached.exchanges.filter(each => each.status >= 300).at(-1) ?? {}
  const schemes = parseChallenges(headers.get('www-authenticate')).map(({ scheme }) => scheme)
  const challenge = authorizationChallenge(headers)
  const { scope, resourceMetadata, error } = challenge ?? {}
  const received = [
    String(status),
    schemes.length === 0 ? 'no challenge' : schemes.join(', '),
    ...(scope === undefined ? [] : [`scope "${scope}"`]),
    ...(resourceMetadata === undefined ? [] : [`resource_metadata ${displayUrl(resourceMetadata)}`]),
    ...(error === undefined ? [] : [`error ${error}`]),
  ].join(', ')
  const code = challengeFinding(status, headers)
  const { hint } = reached.how === 'redirect' ? serverFacts(reached.error, context.server) : {}
  report.add(
    { step: 'challenge', url: displayUrl(context.server), expected: EXPECTED, received, hint },
    ...(code === undefined ? [] : [code]),
  )
  return challenge
}
