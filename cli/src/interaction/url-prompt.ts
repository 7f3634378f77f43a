import type { ElicitRequestURLParams, ElicitResult } from 'latchkey/client'
import { displayText } from 'latchkey/oauth/protocol'
import type { Style } from '../style.ts'
import type { PromptLines } from './prompt-lines.ts'
import { quotedLines } from './quoted-text.ts'

const MAX_URL = 4_000

/** What a URL is, before anybody opens it. */
export interface JudgedUrl {
  /** Undefined for one that must not be opened. */
  readonly url: URL | undefined
  /** What a person should know about it. */
  readonly warnings: readonly string[]
}

/** Judges a URL that a server wants to be opened: only http and https, and nothing that pretends to be another host. */
export function judgeUrl(text: string): JudgedUrl {
  if (text.length > MAX_URL) return { url: undefined, warnings: ['the address is too long to be shown whole'] }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) return { url, warnings: ['this is not an address'] }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return {
      url: undefined,
      warnings: [`an address that begins with ${displayText(url.protocol, 40)} is never opened`],
    }
  }
  if (url.username !== '' || url.password !== '') {
    return {
      url: undefined,
      warnings: ['the address carries a user name, which makes it look like another host: it is not opened'],
    }
  }
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  return {
    url,
    warnings: [
      ...(url.protocol === 'http:' && !loopback ? ['the connection is not encrypted'] : []),
      ...(/(^|\.)xn--/.test(url.hostname)
        ? ['the host name holds letters of other alphabets, which may look like those of a host you know']
        : []),
    ],
  }
}

/** The whole address, its host standing out. */
export function highlightedUrl(url: URL, style: Style): string {
  const { href, host, protocol } = url
  return `${protocol}//${style.bold(style.cyan(host))}${href.slice(`${protocol}//${host}`.length)}`
}

/** Shows a URL and asks whether to open it; opens nothing unasked. */
export async function askUrl(
  ask: ElicitRequestURLParams,
  context: {
    readonly lines: PromptLines
    readonly style: Style
    readonly server: string
    /** Resolves when a browser was started; rejects or is absent where there is none. */
    readonly open: ((url: URL) => Promise<unknown>) | undefined
    /** Resolves when the server says that the person is done. */
    readonly completed: Promise<void>
  },
): Promise<ElicitResult> {
  const { lines, style, server, open } = context
  const { url, warnings } = judgeUrl(ask.url)
  lines.say(`${style.cyan('?')} ${style.bold(`${server} asks you to open a page:`)}`, ...quotedLines(ask.message), '')
  lines.say(`  ${url ? highlightedUrl(url, style) : displayText(ask.url, 500)}`, '')
  for (const warning of warnings) lines.say(`  ${style.yellow('!')} ${warning}`)
  if (!url) return { action: 'decline' }
  for (;;) {
    const typed = await lines.ask(
      open ? `  Open ${url.host} in your browser? (y/n) › ` : '  Will you open it? (y/n) › ',
    )
    const word = typed?.trim().toLowerCase()
    if (word === undefined) return { action: 'cancel' }
    if (word === 'n' || word === 'no') return { action: 'decline' }
    if (word === 'y' || word === 'yes') break
  }
  if (open) {
    try {
      await open(url)
    } catch {
      lines.say(`  ${style.yellow('!')} no browser could be started: open the address yourself`)
    }
  }
  const typed = await Promise.race([
    lines.ask('  Press Enter when you are done there › '),
    context.completed.then(() => ''),
  ])
  return { action: typed === undefined ? 'cancel' : 'accept' }
}
