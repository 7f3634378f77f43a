/** Query parameters whose values say what is going on and unlock nothing. */
const HARMLESS: ReadonlySet<string> = new Set([
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'resource',
  'code_challenge_method',
  'prompt',
  'iss',
  'error',
])

/** A URL for a log: without userinfo, and with every query value hidden that is not known to be harmless. */
export function redactedUrl(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)'
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  parsed.hash = ''
  const query = [...parsed.searchParams].map(
    ([name, value]) => `${encodeURIComponent(name)}=${HARMLESS.has(name) ? encodeURIComponent(value) : '…'}`,
  )
  parsed.search = ''
  return query.length > 0 ? `${parsed.href}?${query.join('&')}` : parsed.href
}
