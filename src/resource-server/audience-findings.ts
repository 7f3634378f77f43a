import { addressScope } from '../oauth/protocol/host-address.ts'
import { parseUrl } from '../oauth/protocol/url.ts'
import type { Protection } from './protect-options.ts'
import type { ProtectionFinding } from './protection-finding.ts'

/** Audiences that an issuer writes into tokens whoever they are for. */
const EVERYBODYS: readonly (readonly [RegExp, string])[] = [
  [/^account$/u, 'Keycloak writes it into nearly every token'],
  [/^api:\/\/default$/u, 'Okta writes it into every token of its default authorization server'],
  [/^https:\/\/graph\.microsoft\.com\/?$|^00000003-0000-0000-c000-000000000000$/u, 'it is that of Microsoft Graph'],
  [/\/userinfo$/u, 'it is that of the userinfo endpoint'],
  [/\/api\/v2\/?$/u, 'it is that of the Auth0 management API'],
]

/** What can be said about resource and audience without asking anybody. */
export function findAudienceProblems({
  resource,
  audience,
  authorizationServers,
}: Protection): readonly ProtectionFinding[] {
  const hostname = parseUrl(resource.resource)?.hostname ?? ''
  const place = addressScope(hostname)
  return [
    ...audience.flatMap(each => {
      const why = authorizationServers.includes(each)
        ? 'it is that of the authorization server itself'
        : EVERYBODYS.find(([pattern]) => pattern.test(each))?.[1]
      return why === undefined ? [] : [tooWide(each, why)]
    }),
    ...(place === 'public' || place === 'name' ? [] : [notPublic(resource.resource, place)]),
  ]
}

function tooWide(audience: string, why: string): ProtectionFinding {
  return {
    code: 'audience_too_wide',
    severity: 'error',
    message: `Tokens for other services name the audience ${audience}, too: ${why}.`,
    expected: 'an audience that only tokens for this server name',
    received: audience,
    hint: 'Give this server an audience of its own at the authorization server; any service that a person logged in to could otherwise act here in that name.',
  }
}

function notPublic(resource: string, place: string): ProtectionFinding {
  return {
    code: 'resource_not_public',
    severity: place === 'loopback' ? 'info' : 'warning',
    message: `The resource ${resource} leads to ${place === 'loopback' ? 'this machine' : 'a private network'}.`,
    expected: 'the URL that clients use',
    received: resource,
    hint: 'Behind a proxy, give the public URL: clients compare it with the one they know, and refuse another.',
  }
}
