import { createHash } from 'node:crypto'
import type { CallbackOutcome } from '../oauth/authorizer.ts'
import { displayText } from '../oauth/protocol/display-text.ts'

const STYLE = `
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#16181d;--soft:#5c6370;--line:#e3e6eb;--ok:#1a7f4b;--bad:#b42318;--wait:#8a5a00}
@media(prefers-color-scheme:dark){:root{--page:#0f1115;--card:#181b21;--ink:#eef0f4;--soft:#9aa3b2;--line:#2a2f39;--ok:#4cc38a;--bad:#ff8a7a;--wait:#e2b34b}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:440px;padding:40px 36px 32px;background:var(--card);border:1px solid var(--line);border-radius:18px;box-shadow:0 1px 2px #0000000d,0 12px 32px #00000012;text-align:center}
svg{display:block;margin:0 auto 20px;color:var(--tone)}
h1,p{text-wrap:balance}
h1{margin:0 0 10px;font-size:22px;line-height:1.3;letter-spacing:-.01em}
p{margin:0;color:var(--soft);overflow-wrap:anywhere}
p+p{margin-top:12px}
code{padding:1px 6px;border:1px solid var(--line);border-radius:6px;color:var(--ink);font:14px ui-monospace,SFMono-Regular,Menlo,monospace}
footer{margin-top:28px;padding-top:16px;border-top:1px solid var(--line);color:var(--soft);font-size:13px}
main>p:first-of-type{color:var(--ink)}
.completed{--tone:var(--ok)}.failed{--tone:var(--bad)}.ignored{--tone:var(--wait)}
`

const SHAPES: Readonly<Record<CallbackOutcome['status'], string>> = {
  completed: '<path d="M17 29.5l7.5 7.5L40 21"/>',
  failed: '<path d="M20 20l16 16M36 20L20 36"/>',
  ignored: '<path d="M28 17v13"/><path d="M28 38v.5"/>',
}

/** Only this page's own style may be used; nothing is loaded, nothing runs, nobody may frame it. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** Headers that every answer of the callback listener carries. The address of the page holds the code: it goes nowhere from here. */
export const CALLBACK_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** The page the person sees at the end of a login: what became of it, in words. Text from elsewhere is shown as data. */
export function callbackPage(outcome: CallbackOutcome, server?: string): string {
  const { title, lines } = content(outcome, server)
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><main class="${outcome.status}">
<svg width="56" height="56" viewBox="0 0 56 56" fill="none" stroke="currentColor" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="28" cy="28" r="25" opacity=".35"/>${SHAPES[outcome.status]}</svg>
<h1>${title}</h1>
${lines.map(line => `<p>${line}</p>`).join('\n')}
<footer>Latchkey</footer>
</main></body>
</html>
`
}

function content(
  outcome: CallbackOutcome,
  server: string | undefined,
): { readonly title: string; readonly lines: readonly string[] } {
  if (outcome.status === 'completed') {
    const at = server === undefined ? '' : ` to <code>${escapeHtml(hostOf(server))}</code>`
    const lines = [`The login${at} is complete.`, 'You can close this tab and go back to your program.']
    return { title: 'You are logged in', lines }
  }
  const message = escapeHtml(displayText(outcome.message))
  return outcome.status === 'failed'
    ? { title: 'The login failed', lines: [message, 'You can close this tab; your program says more.'] }
    : { title: 'Nothing to do here', lines: [message, 'If a login is open in another tab, go on there.'] }
}

function hostOf(server: string): string {
  return displayText(URL.canParse(server) ? new URL(server).host : server)
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, character => entities[character] ?? '')
}
