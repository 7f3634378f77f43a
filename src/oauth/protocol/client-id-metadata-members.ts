import { type ClientIdMetadataFinding, error, warning } from './client-id-metadata-finding.ts'
import { redirectUriFindings } from './client-id-metadata-redirects.ts'
import { displayText } from './display-text.ts'
import { isLoopbackHost } from './host-address.ts'
import { isJsonObject, type JsonObject } from './json-object.ts'
import { keySetFault } from './json-web-key-set.ts'
import { parseUrl } from './url.ts'

const PRIVATE_KEY_JWT = 'private_key_jwt'
const SECRETS = ['client_secret', 'client_secret_expires_at', 'registration_access_token']

/** What is wrong with the members of a document, `client_id` aside, which must be compared with the URL. */
export function memberFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  return [
    ...nullFindings(document),
    ...secretFindings(document),
    ...authenticationFindings(document),
    ...keyFindings(document),
    ...redirectUriFindings(document),
    ...grantFindings(document),
    ...descriptionFindings(document),
  ]
}

function nullFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  return Object.entries(document)
    .filter(([, value]) => value === null)
    .slice(0, 20)
    .map(([name]) => warning(displayText(name, 60), 'the member is null, which strict readers refuse', 'leave it out'))
}

/** The document is public: there can be no shared secret in it or about it. */
function secretFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  return SECRETS.filter(name => Object.hasOwn(document, name)).map(name =>
    error(name, 'the document is public and must hold no secret', 'remove it, and replace the secret if it was real'),
  )
}

function authenticationFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  const about = 'token_endpoint_auth_method'
  const method = document[about]
  if (method === undefined || method === null) {
    const message = 'the method is not named, which means client_secret_basic (RFC 7591 §2)'
    return [warning(about, message, `"${about}": "none"`)]
  }
  if (method === 'none') return []
  if (method === PRIVATE_KEY_JWT) {
    const alg = document['token_endpoint_auth_signing_alg']
    const symmetric = typeof alg === 'string' && /^(none|HS\d+)$/u.test(alg)
    if (!symmetric) return []
    const hint = 'name an algorithm with a key pair, such as ES256'
    return [error('token_endpoint_auth_signing_alg', `${displayText(alg)} does not sign with a key pair`, hint)]
  }
  const shown = displayText(method, 60)
  if (typeof method !== 'string' || method.startsWith('client_secret_')) {
    return [error(about, `${shown} needs a shared secret, which a document cannot have`, 'none, or private_key_jwt')]
  }
  return [warning(about, `few authorization servers accept ${shown} here`, 'none, or private_key_jwt')]
}

function keyFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  const { jwks, jwks_uri: jwksUri } = document
  const findings: ClientIdMetadataFinding[] = []
  if (jwks !== undefined && jwksUri !== undefined) {
    findings.push(error('jwks', 'both jwks and jwks_uri are there (RFC 7591 §2)', 'keep one of them'))
  }
  const fault = jwks === undefined ? undefined : keySetFault(jwks)
  if (fault !== undefined) {
    const hint = fault.secret ? 'publish public keys only, and replace this key' : '"jwks": {"keys": [a public JWK]}'
    findings.push(error('jwks', `in jwks, ${fault.message}`, hint))
  }
  if (jwksUri !== undefined && (typeof jwksUri !== 'string' || parseUrl(jwksUri)?.protocol !== 'https:')) {
    findings.push(error('jwks_uri', 'jwks_uri is no https URL', 'serve the key set over https'))
  }
  if (document['token_endpoint_auth_method'] === PRIVATE_KEY_JWT) {
    if (jwks === undefined && jwksUri === undefined) {
      findings.push(error('jwks_uri', `${PRIVATE_KEY_JWT} needs public keys`, 'add jwks_uri or jwks'))
    } else if (fault === undefined && isJsonObject(jwks) && lacksKeyId(jwks['keys'])) {
      findings.push(warning('jwks', 'several keys and not all have a kid', 'give each key a kid'))
    }
  }
  return findings
}

function lacksKeyId(keys: unknown): boolean {
  return Array.isArray(keys) && keys.length > 1 && keys.some(key => isJsonObject(key) && typeof key['kid'] !== 'string')
}

function grantFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  const { grant_types: grants, response_types: responses } = document
  const findings: ClientIdMetadataFinding[] = []
  if (grants === undefined) {
    const hint = '"grant_types": ["authorization_code", "refresh_token"]'
    findings.push(warning('grant_types', 'no grant types: people will have to log in each time a token expires', hint))
  } else if (!isStrings(grants) || grants.length === 0) {
    findings.push(error('grant_types', 'grant_types is no list of names', '["authorization_code", "refresh_token"]'))
  } else {
    if (grants.includes('authorization_code') && !grants.includes('refresh_token')) {
      const message = 'refresh_token is missing: people will have to log in each time a token expires'
      findings.push(warning('grant_types', message, 'add "refresh_token"'))
    }
    for (const grant of grants.filter(each => each === 'implicit' || each === 'password')) {
      findings.push(warning('grant_types', `${grant} is obsolete and no MCP client needs it`, 'remove it'))
    }
  }
  if (responses !== undefined && !isStrings(responses)) {
    findings.push(error('response_types', 'response_types is no list of names', '["code"]'))
  } else if (responses !== undefined && usesCode(grants) && !responses.includes('code')) {
    findings.push(error('response_types', 'the code grant needs the response type code (RFC 7591 §2.1)', '["code"]'))
  }
  return [...findings, ...applicationTypeFindings(document)]
}

function usesCode(grants: unknown): boolean {
  return grants === undefined || (isStrings(grants) && grants.includes('authorization_code'))
}

/** Many servers with OpenID Connect do not let a web client, which is the default, redirect to loopback addresses. */
function applicationTypeFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  const about = 'application_type'
  const { [about]: type, redirect_uris: uris } = document
  const loopback = isStrings(uris) && uris.some(uri => isLoopbackHost(parseUrl(uri)?.hostname ?? ''))
  if (type === undefined && loopback) {
    return [warning(about, 'no type means web, for which many servers refuse loopback addresses', '"native"')]
  }
  if (type === 'web' && loopback)
    return [warning(about, 'many servers refuse loopback addresses of a web client', '"native"')]
  if (type === undefined || type === 'web' || type === 'native') return []
  return [error(about, 'the type is neither native nor web', '"native"')]
}

function descriptionFindings(document: JsonObject): readonly ClientIdMetadataFinding[] {
  const { client_name: name, client_uri: site, scope } = document
  const findings: ClientIdMetadataFinding[] = []
  if (typeof name !== 'string' || name.trim() === '') {
    findings.push(
      error('client_name', 'client_name is missing: people are asked whether they trust it', '"client_name": "…"'),
    )
  } else if (/[\p{Cc}\p{Cf}]/u.test(name)) {
    findings.push(warning('client_name', 'client_name holds characters that are not shown', 'use plain text'))
  }
  for (const about of ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri']) {
    const value = document[about]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string' || parseUrl(value)?.protocol !== 'https:') {
      findings.push(error(about, `${about} is no https URL`, 'correct it or leave it out'))
    }
  }
  const clientId = document['client_id']
  const [siteHost, host] = [hostOf(site), hostOf(clientId)]
  if (siteHost !== undefined && host !== undefined && siteHost !== host) {
    findings.push(
      warning('client_uri', 'it is on another host than the document: some servers do not show it', 'same host'),
    )
  }
  if (scope !== undefined && scope !== null && typeof scope !== 'string') {
    findings.push(error('scope', 'scope is no text', 'scopes separated by spaces'))
  }
  return findings
}

function hostOf(url: unknown): string | undefined {
  return typeof url === 'string' ? parseUrl(url)?.host : undefined
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}
