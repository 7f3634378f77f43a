/** What the person saw last: the page on which the browser came to rest. */
export interface FinalPage {
  readonly url: string
  readonly status: number
  readonly body: string
}

/** Sent as the browser's name, so that a recording can tell whose request it was. */
export const SCRIPTED_USER_AGENT = 'scripted-user'

/** Pages and redirects a login may take before something is clearly wrong. */
const MAX_STEPS = 20

export interface ScriptedUserOptions {
  /** Name to log in with. Default `ada`. */
  readonly login?: string
  /** Cancels on the first page instead of logging in. */
  readonly deny?: boolean
  /** The address at which to stop without opening it: for an application that takes the redirect URL by hand. */
  readonly stopAt?: string
}

/**
 * Plays the person: opens the authorization URL, logs in, consents, and follows every redirect to the page that the application
 * shows at the end. Knows HTML forms and cookies, and nothing about OAuth.
 */
export async function approve(url: string | URL, options: ScriptedUserOptions = {}): Promise<FinalPage> {
  const cookies = createCookieJar()
  const start = new URL(url)
  const fields: Record<string, string> = { login: options.login ?? 'ada', password: 'correct horse' }
  let next: { url: URL; form?: URLSearchParams } = { url: start }
  for (let step = 0; step < MAX_STEPS; step += 1) {
    if (options.stopAt && next.url.href.startsWith(options.stopAt)) return { url: next.url.href, status: 0, body: '' }
    const response = await fetch(next.url, {
      redirect: 'manual',
      headers: { 'user-agent': SCRIPTED_USER_AGENT, accept: 'text/html', cookie: cookies.header(next.url) },
      ...(next.form ? { method: 'POST', body: next.form } : {}),
    })
    cookies.keep(next.url, response.headers.getSetCookie())
    const location = response.headers.get('location')
    const body = await response.text()
    if (location && response.status >= 300 && response.status < 400) {
      next = { url: new URL(location, next.url) }
      continue
    }
    const asked = next.url.origin === start.origin && response.status === 200
    const cancel = asked && options.deny ? /href="([^"]*\/abort)"/.exec(body)?.[1] : undefined
    if (cancel) {
      next = { url: new URL(cancel, next.url) }
      continue
    }
    const form = asked ? parseForm(body, fields) : undefined
    if (!form) return { url: next.url.href, status: response.status, body }
    next = { url: new URL(form.action, next.url), form: form.values }
  }
  throw new Error(`no end to the login after ${MAX_STEPS} pages, the last at ${next.url.origin}${next.url.pathname}`)
}

function parseForm(
  html: string,
  fields: Readonly<Record<string, string>>,
): { action: string; values: URLSearchParams } | undefined {
  const action = /<form\b[^>]*\baction="([^"]*)"/.exec(html)?.[1]
  if (action === undefined) return undefined
  const values = new URLSearchParams()
  for (const [input] of html.matchAll(/<input\b[^>]*>/g)) {
    const name = /\bname="([^"]*)"/.exec(input)?.[1]
    if (name) values.set(name, /\bvalue="([^"]*)"/.exec(input)?.[1] ?? fields[name] ?? '')
  }
  return { action, values }
}

/** Enough of RFC 6265 for a login: name, path, removal. The jar lives for one login on one host. */
function createCookieJar(): { header(url: URL): string; keep(url: URL, setCookies: readonly string[]): void } {
  const cookies = new Map<string, { name: string; value: string; path: string; origin: string }>()
  return {
    header: url =>
      [...cookies.values()]
        .filter(cookie => cookie.origin === url.origin && url.pathname.startsWith(cookie.path))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    keep: (url, setCookies) => {
      for (const line of setCookies) {
        const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
        const [name = '', value = ''] = pair.split(/=(.*)/s)
        const path = attributes.find(attribute => /^path=/i.test(attribute))?.slice(5) ?? '/'
        const key = `${url.origin} ${path} ${name}`
        if (value === '') cookies.delete(key)
        else cookies.set(key, { name, value, path, origin: url.origin })
      }
    },
  }
}
