import type { AuthorizationTarget } from '../oauth/discovery.ts'
import { displayUrl } from '../oauth/protocol/display-text.ts'
import { DEVICE_CODE_GRANT } from '../oauth/protocol/device.ts'
import { chooseDpopAlgorithm } from '../oauth/protocol/dpop.ts'
import { stringListMember, stringMember } from '../oauth/protocol/json-object.ts'
import { determineScope } from '../oauth/protocol/scope.ts'
import { findIssuerProblems } from '../resource-server/issuer-findings.ts'
import type { Examination } from './examination.ts'
import type { FindingCode } from './finding.ts'

/** What is told of each target: its endpoints, its protection of the code flow, scopes, grants and what else it can do. */
export function addCapabilitySteps(
  examination: Examination,
  target: AuthorizationTarget,
  challengedScope: string | undefined,
): void {
  addExceptionStep(examination, target)
  addEndpointSteps(examination, target)
  addScopeStep(examination, target, challengedScope)
  addResourceStep(examination, target)
  addGrantStep(examination, target)
  addDpopStep(examination, target)
}

function addExceptionStep({ report }: Examination, { exception, issuer }: AuthorizationTarget): void {
  if (!exception) return
  const { reason, issuer: _for, since: _since, ...members } = exception
  const received = `${reason} (${Object.keys(members).join(', ') || 'nothing'})`
  report.add({ step: 'exceptions', url: displayUrl(issuer), received }, 'exception_in_force')
}

function addEndpointSteps(
  { context, report }: Examination,
  { authorizationServer, legacy, exception }: AuthorizationTarget,
): void {
  const { authorizationEndpoint, tokenEndpoint, authorizationResponseIssParameterSupported: iss } = authorizationServer
  const received = [authorizationEndpoint, tokenEndpoint].flatMap(url => (url === undefined ? [] : [displayUrl(url)]))
  report.add({
    step: 'endpoints',
    url: displayUrl(authorizationServer.url),
    expected: 'https, or http on loopback',
    received: received.join(', '),
  })
  if (!context.grant.usesRedirect || legacy) return
  const methods = authorizationServer.codeChallengeMethodsSupported
  const assumed = methods === undefined && exception?.assumeS256 === true
  report.add({
    step: 'PKCE',
    expected: 'S256',
    received: assumed ? 'S256, by an exception' : (methods ?? []).join(', '),
  })
  report.add(
    { step: 'issuer in responses', expected: 'iss (RFC 9207)', received: iss ? 'supported' : 'not advertised' },
    ...(iss ? [] : (['iss_not_advertised'] as const)),
  )
}

function addScopeStep(
  { context, report }: Examination,
  { authorizationServer, protectedResource }: AuthorizationTarget,
  challenge: string | undefined,
): void {
  const { authorization } = determineScope({
    challenge,
    resourceScopes: protectedResource?.scopesSupported,
    configured: context.scope,
    serverScopes: authorizationServer.scopesSupported,
    grantTypes: context.grant.grantTypes,
  })
  report.add({
    step: 'scope',
    received: authorization === undefined ? 'none will be asked for' : `will ask for ${authorization}`,
  })
}

/** What the self-check of a server says about the same, where the authorization server lists its resources. */
function addResourceStep(
  { report }: Examination,
  { authorizationServer, protectedResource }: AuthorizationTarget,
): void {
  if (!protectedResource || authorizationServer.raw['protected_resources'] === undefined) return
  const needs = { resource: protectedResource.resource, scopes: [], dpop: false }
  const problem = findIssuerProblems(authorizationServer, needs).find(({ code }) => code === 'resource_not_listed')
  report.add(
    {
      step: 'protected resources',
      url: displayUrl(authorizationServer.url),
      expected: displayUrl(needs.resource),
      received: problem?.received ?? 'listed',
    },
    ...(problem ? (['resource_not_listed'] as const) : []),
  )
}

/** The grants of RFC 8414 §2 where the document lists none. */
const DEFAULT_GRANTS = ['authorization_code', 'implicit']

function addGrantStep({ context, report }: Examination, { authorizationServer, legacy }: AuthorizationTarget): void {
  if (legacy) return
  const { raw, grantTypesSupported, registrationEndpoint, clientIdMetadataDocumentSupported } = authorizationServer
  const { grant } = context
  const extras = [
    ...(registrationEndpoint === undefined ? [] : ['dynamic registration']),
    ...(clientIdMetadataDocumentSupported ? ['client-id metadata documents'] : []),
    ...(stringMember(raw, 'pushed_authorization_request_endpoint') === undefined ? [] : ['pushed requests (PAR)']),
    ...(stringMember(raw, 'device_authorization_endpoint') === undefined ? [] : ['device']),
  ]
  const grants = grantTypesSupported ?? DEFAULT_GRANTS
  const codes: FindingCode[] = []
  const own = grant.grantTypes.filter(type => type !== 'refresh_token')
  const lacksGrant = grantTypesSupported !== undefined && own.some(type => !grants.includes(type))
  const lacksDevice = own.includes(DEVICE_CODE_GRANT) && raw['device_authorization_endpoint'] === undefined
  if (lacksGrant || lacksDevice) codes.push('grant_not_supported')
  else if (grant.usesRedirect && grantTypesSupported !== undefined && !grants.includes('refresh_token'))
    codes.push('refresh_not_advertised')
  report.add(
    {
      step: 'grants',
      url: displayUrl(authorizationServer.url),
      expected: grant.grantTypes.join(', '),
      received: [...grants, ...extras].join(', '),
    },
    ...codes,
  )
}

function addDpopStep(
  { context, report }: Examination,
  { authorizationServer, protectedResource }: AuthorizationTarget,
): void {
  const listed = stringListMember(authorizationServer.raw, 'dpop_signing_alg_values_supported')
  const wanted = protectedResource && stringListMember(protectedResource.raw, 'dpop_signing_alg_values_supported')
  const required = protectedResource?.raw['dpop_bound_access_tokens_required'] === true || context.dpop === true
  if (listed === undefined && !required) return
  const algorithm = listed && chooseDpopAlgorithm(listed, wanted)
  const isMissing = required && algorithm === undefined
  report.add(
    {
      step: 'tokens bound to a key (DPoP)',
      expected: required ? 'an algorithm that all sides know' : undefined,
      received: listed?.join(', ') ?? 'not supported by the authorization server',
    },
    ...(isMissing ? (['dpop_unavailable'] as const) : []),
  )
}
