import { isClientIdMetadataDocumentUrl } from './client-id-metadata.ts'
import { displayText } from './display-text.ts'
import { isJsonObject, type JsonObject, parseJsonObject, stringMember } from './json-object.ts'
import { parseUrl } from './url.ts'

/** What the authorization endpoint answered to somebody without cookies. */
export interface AuthorizationPage {
  readonly status: number
  /** `Location`, where the answer is a redirect; it is read, never followed. */
  readonly location: string | null
  /** As much of the body as was read. */
  readonly body: string
  /** Where the answer came from. */
  readonly url: string
}

/** The request that the page answers. */
export interface PageRequest {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string
  /** The issuer that `iss` must name (RFC 9207 §2.4). */
  readonly issuer: string
  readonly issRequired: boolean
}

/** The authorization server will not go on with this client, whoever the person is. */
export interface ClientRefusal {
  /** What it does not accept. */
  readonly refused: 'client' | 'redirect-uri'
  /** In its own words, cleaned and capped. */
  readonly text: string
}

const CLIENT_CODES: ReadonlySet<string> = new Set([
  'invalid_client',
  'invalid_client_id',
  'unknown_client',
  'unknown_client_id',
  'unrecognized_client',
  'unrecognized_client_id',
  'unauthorized_client',
  'client_not_found',
])
/** Members in which servers put a code. */
const CODE_MEMBERS = ['error', 'code', 'error_code', 'errorCode']
/** Members in which servers put words. */
const TEXT_MEMBERS = ['error_description', 'message', 'msg', 'detail', 'title', 'description', 'error']
/** Characters of a page that are looked at: an error page is short. */
const MAX_TEXT = 20_000

const CLIENT = String.raw`\bclient(?:[ _-]?id(?:entifier)?)?`
const IDENTIFIED = String.raw`\b(?:client|application|app)(?: with)?(?: the)?(?: (?:id|identifier))?`
const ABSENT = String.raw`(?:(?:is|was)(?: not|n.t) |has(?: not|n.t) been |(?:could|can)(?: not|n.t|not) be |does(?: not|n.t) |not )`
const KNOWN = String.raw`(?:found|registered(?! \w* ?redirect)|known|recogni[sz]ed|exist)`
/** What follows these words is not the client itself. */
const PART = String.raw`(?![ _-]?(?:id )?(?:secret|metadata|credential|redirect|assertion|certificate|name|type|ur[il]|ip|version|authentication|request|cert))`

/** How deployed servers say that they do not know the client. `§` stands for the client id in their words. */
const UNKNOWN_CLIENT: readonly RegExp[] = [
  // "Unrecognized client_id", "Invalid client_id", "specifies an invalid client", "Unknown client: §"
  new RegExp(
    String.raw`\b(?:unrecogni[sz]ed|unknown|invalid|unregistered|non-?existent|no such) (?:oauth ?(?:2(?:\.0)? )?)?${CLIENT}\b${PART}`,
    'iu',
  ),
  // "Client not found.", "Client ID § not found", "The requested OAuth 2.0 Client does not exist", "Client Not Registered"
  new RegExp(String.raw`${CLIENT}(?: §)? ${ABSENT}${KNOWN}`, 'iu'),
  // "Application with identifier § was not found in the directory": without the id, a hosting platform says as much of itself.
  new RegExp(String.raw`${IDENTIFIED} § ${ABSENT}${KNOWN}`, 'iu'),
  // "client is invalid", "client_id is unknown"
  new RegExp(String.raw`${CLIENT}(?: §)? is (?:invalid|unknown|unrecogni[sz]ed|unregistered)`, 'iu'),
  /\b(?:invalid_client(?:_id)?|unauthorized_client|unknown_client|client_not_found)\b/iu,
]

/** A document that the server cannot use; of a client that registered, the code says nothing about whether it is known. */
const UNUSABLE_DOCUMENT = /\binvalid_client_metadata\b/iu

const REDIRECT_URI = String.raw`\b(?:redirect|callback)[ _-]?ur[il]s?`
const REFUSED_REDIRECT: readonly RegExp[] = [
  /\bredirect_uri_mismatch\b/iu,
  new RegExp(String.raw`\b(?:invalid|unregistered|mismatching|unknown) ${REDIRECT_URI}`, 'iu'),
  new RegExp(
    String.raw`${REDIRECT_URI}(?: provided)?(?: §)? (?:is |was |does |did )?(?:not |n.t )(?:been )?(?:registered|allowed|match|valid|found)`,
    'iu',
  ),
]

/**
 * Whether the authorization endpoint refuses the client, or a redirect URI that is registered with it: then no person could get any
 * further, and nothing would ever come back. Undefined for everything else, a login page above all.
 *
 * Believed are: a 4xx other than a passing one whose JSON or text says so; a redirect with `error=invalid_client`, to a page of the
 * server's own; and a redirect to our redirect URI that refuses the client and keeps the rules for `state` and `iss`, as every
 * authorization response must (RFC 9207 §2.4).
 */
export function readAuthorizationPage(page: AuthorizationPage, request: PageRequest): ClientRefusal | undefined {
  if (page.status >= 300 && page.status < 400) return refusalInRedirect(page, request)
  if (page.status < 400 || page.status > 499 || [407, 408, 425, 429].includes(page.status)) return undefined
  const object = parseJsonObject(page.body)
  return object ? refusalInJson(object, request) : refusalInText(textOfMarkup(page.body), request)
}

function refusalInRedirect({ location, url }: AuthorizationPage, request: PageRequest): ClientRefusal | undefined {
  const target = location !== null && URL.canParse(location, url) ? new URL(location, url) : undefined
  if (target === undefined) return undefined
  const parameters = target.searchParams
  const error = parameters.get('error') ?? ''
  const text = displayText(parameters.get('error_description') ?? error)
  if (isOurs(target, request.redirectUri)) {
    if (new Set(parameters.keys()).size !== [...parameters.keys()].length) return undefined
    const issuer = parameters.get('iss')
    const issued = issuer === null ? !request.issRequired : issuer === request.issuer
    if (!issued || parameters.get('state') !== request.state) return undefined
    return error === 'invalid_client' || error === 'unauthorized_client' ? { refused: 'client', text } : undefined
  }
  return error === 'invalid_client' ? { refused: 'client', text } : undefined
}

function isOurs(target: URL, redirectUri: string): boolean {
  const ours = parseUrl(redirectUri)
  return ours !== undefined && target.origin === ours.origin && target.pathname === ours.pathname
}

function refusalInJson(object: JsonObject, request: PageRequest): ClientRefusal | undefined {
  const inner = object['error']
  const objects = isJsonObject(inner) ? [object, inner] : [object]
  const words = objects.flatMap(each => TEXT_MEMBERS.flatMap(name => stringMember(each, name) ?? []))
  const codes = objects.flatMap(each => CODE_MEMBERS.flatMap(name => stringMember(each, name) ?? []))
  const isRefused = codes.some(code => CLIENT_CODES.has(code.toLowerCase().replace(/^.*[.:]/u, '')))
  if (isRefused) return { refused: 'client', text: displayText(words[0] ?? codes[0]) }
  for (const each of words) {
    const refusal = refusalInText(each, request)
    if (refusal) return refusal
  }
  return undefined
}

function refusalInText(text: string, { clientId, redirectUri }: PageRequest): ClientRefusal | undefined {
  const said = displayText(text, MAX_TEXT)
    .replaceAll(clientId, ' § ')
    .replaceAll(redirectUri, ' § ')
    .replace(/["'`“”‘’():;,\s]+/gu, ' ')
  const patterns = isClientIdMetadataDocumentUrl(clientId) ? [...UNKNOWN_CLIENT, UNUSABLE_DOCUMENT] : UNKNOWN_CLIENT
  const refused = patterns.some(pattern => pattern.test(said))
    ? 'client'
    : REFUSED_REDIRECT.some(pattern => pattern.test(said))
      ? 'redirect-uri'
      : undefined
  return refused && { refused, text: displayText(text) }
}

/** The words of a page. Scripts may hold every message that the page could ever show. */
function textOfMarkup(body: string): string {
  return body
    .slice(0, MAX_TEXT * 4)
    .replace(/<(script|style|template|noscript)\b[\s\S]*?(?:<\/\1\s*>|$)/giu, ' ')
    .replace(/<!--[\s\S]*?(?:-->|$)/gu, ' ')
    .replace(/<[^<>]*>/gu, ' ')
    .replace(/&(?:quot|apos|#0?39|#x27|#34);/giu, '"')
    .replace(/&(?:nbsp|#160);/giu, ' ')
    .replaceAll('&amp;', '&')
}
