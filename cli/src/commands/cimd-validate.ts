import { readFile } from 'node:fs/promises'
import {
  assertClientIdMetadataDocumentUrl,
  checkClientIdMetadataDocument,
  type ClientIdMetadataSource,
  displayText,
} from 'latchkey/oauth/protocol'
import type { CommandContext } from '../command-context.ts'
import { fetchDocument } from '../document-answer.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { findingLines } from '../finding-lines.ts'
import { printJson } from '../json-output.ts'
import { createFetch } from '../proxy-fetch.ts'
import { UsageError } from '../usage-error.ts'

/** `latchkey cimd validate`: what an authorization server would make of a client-id metadata document. */
export async function cimdValidate(context: CommandContext, source: string): Promise<ExitCode> {
  const { io, terminal, options } = context
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(source)
  const given = isUrl ? await served(context, source) : { body: await readText(source) }
  const findings = checkClientIdMetadataDocument(given)
  const ok = findings.every(({ severity }) => severity !== 'error')
  if (options.json === true) {
    printJson(io, { ok, ...(isUrl ? { url: source } : { file: source }), findings })
  } else {
    const { dataStyle } = terminal
    const count = findings.length === 0 ? 'nothing to complain about' : counted(findings)
    const verdict = `${ok ? dataStyle.green('✓') : dataStyle.red('✗')} ${displayText(source, 1_000)}: ${count}`
    io.stdout.write(`${[...findingLines(findings, dataStyle), verdict].join('\n')}\n`)
  }
  if (!isUrl) {
    terminal.say(terminal.style.dim('Redirects, content type and caching can be checked once it is served.'))
  }
  return ok ? EXIT.done : EXIT.failed
}

async function served({ io, terminal }: CommandContext, url: string): Promise<ClientIdMetadataSource> {
  // Whatever else is wrong with a URL is one of the findings; these cannot even be fetched.
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const fetchable = parsed?.username === '' && parsed.password === '' && /^https?:$/.test(parsed.protocol)
  if (!fetchable) assertClientIdMetadataDocumentUrl(url)
  const fetch = await createFetch(io.env)
  const { body, ...answer } = await terminal.progress.during('Fetching the document', () =>
    fetchDocument(url, { fetch, signal: io.signal }),
  )
  return { url, body, answer }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new UsageError(`${file} cannot be read`, 'give the URL of the document, or a file')
  }
}

function counted(findings: ReturnType<typeof checkClientIdMetadataDocument>): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const counts = [
    [errors, 'error'],
    [findings.length - errors, 'warning'],
  ] as const
  return counts.flatMap(([count, what]) => (count > 0 ? `${count} ${what}${count === 1 ? '' : 's'}` : [])).join(', ')
}
