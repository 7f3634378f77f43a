/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  readonly token68?: string
  /** Names in lower case; the first value wins. */
  readonly parameters: Readonly<Record<string, string>>
}

/** What a Bearer or DPoP challenge says; empty values are absent. */
export interface AuthorizationChallenge {
  readonly scheme: 'bearer' | 'dpop'
  readonly scope?: string
  /** URL of the protected resource metadata (RFC 9728 §5.1). */
  readonly resourceMetadata?: string
  readonly error?: string
  readonly errorDescription?: string
  /** The server takes tokens bound to a key: the algorithms it names, or every one (RFC 9449 §7.1). */
  readonly dpop?: { readonly algorithms?: readonly string[] }
}

const SEPARATORS = /[\s,;]*/uy
const SCHEME = /([!#$%&'*+.^_`|~0-9a-z-]+)(?=[\s,;]|$)/iuy
const TOKEN68 = /[ \t]+([a-z0-9._~+/-]+=*)[ \t]*(?=,|$)/iuy
const PARAMETER = /([!#$%&'*+.^_`|~0-9a-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]+))/isuy
/** What is neither: a quoted string, a word, or everything behind a quote that never ends. */
const GARBAGE = /"(?:[^"\\]|\\.)*"|[^\s,"]+|"[^]*/suy

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index
  return pattern.exec(text)
}

function parseHeader(header: string): Challenge[] {
  const challenges: { scheme: string; token68?: string; parameters: Map<string, string> }[] = []
  let index = 0
  while (index < header.length) {
    const separator = matchAt(SEPARATORS, header, index)?.[0] ?? ''
    index += separator.length
    const current = challenges.at(-1)
    const parameter = matchAt(PARAMETER, header, index)
    if (current !== undefined && parameter !== null) {
      const name = (parameter[1] ?? '').toLowerCase()
      const value = parameter[2]?.replace(/\\(.)/gsu, '$1') ?? parameter[3] ?? ''
      if (!current.parameters.has(name)) current.parameters.set(name, value)
      index += parameter[0].length
      continue
    }
    // Only a comma begins another challenge: the words of an unquoted description must not.
    const mayBegin = current === undefined || separator.includes(',')
    const scheme = mayBegin ? matchAt(SCHEME, header, index) : null
    if (scheme !== null) {
      index += scheme[0].length
      const token68 = matchAt(TOKEN68, header, index)
      index += token68?.[0].length ?? 0
      challenges.push({
        scheme: scheme[0].toLowerCase(),
        parameters: new Map(),
        ...(token68?.[1] !== undefined && { token68: token68[1] }),
      })
      continue
    }
    index += Math.max(matchAt(GARBAGE, header, index)?.[0].length ?? 0, 1)
  }
  return challenges.map(challenge => ({ ...challenge, parameters: Object.fromEntries(challenge.parameters) }))
}

/**
 * The challenges of one or several `WWW-Authenticate` headers, in order. Follows the grammar of RFC 9110: any mix of
 * schemes in one header, token68, quoted pairs. Reads unquoted URLs and missing commas between parameters as they are
 * meant, and skips what cannot be read. Never throws.
 *
 * @see RFC 9110 §11.6.1
 */
export function parseChallenges(header: string | readonly string[] | null | undefined): readonly Challenge[] {
  if (header === null || header === undefined) return []
  return (typeof header === 'string' ? [header] : header).flatMap(parseHeader)
}

/**
 * The Bearer challenge of an answer, else the DPoP one; undefined when there is neither. Of several, the first that says
 * anything. Other schemes' parameters are never read.
 *
 * @see RFC 6750 §3
 */
export function authorizationChallenge(headers: Headers | null | undefined): AuthorizationChallenge | undefined {
  const found = parseChallenges(headers?.get('www-authenticate')).flatMap(({ scheme, parameters }) =>
    scheme === 'bearer' || scheme === 'dpop' ? [toAuthorizationChallenge(scheme, parameters)] : [],
  )
  const proofs = found.filter(each => each.scheme === 'dpop')
  const ranked = [...found.filter(each => each.scheme === 'bearer'), ...proofs]
  const chosen = ranked.find(saysAnything) ?? ranked[0]
  return chosen && proofs[0]?.dpop ? { ...chosen, dpop: proofs[0].dpop } : chosen
}

function saysAnything({ scope, resourceMetadata, error, errorDescription }: AuthorizationChallenge): boolean {
  return [scope, resourceMetadata, error, errorDescription].some(value => value !== undefined)
}

function toAuthorizationChallenge(
  scheme: 'bearer' | 'dpop',
  parameters: Readonly<Record<string, string>>,
): AuthorizationChallenge {
  const value = (name: string): string | undefined => {
    const text = Object.hasOwn(parameters, name) ? parameters[name]?.trim() : undefined
    return text === '' ? undefined : text
  }
  const [scope, resourceMetadata] = [value('scope'), value('resource_metadata')]
  const [error, errorDescription, algorithms] = [value('error'), value('error_description'), value('algs')]
  return {
    scheme,
    ...(scope !== undefined && { scope }),
    ...(resourceMetadata !== undefined && { resourceMetadata }),
    ...(error !== undefined && { error }),
    ...(errorDescription !== undefined && { errorDescription }),
    ...(scheme === 'dpop' && { dpop: algorithms === undefined ? {} : { algorithms: algorithms.split(/\s+/u) } }),
  }
}
