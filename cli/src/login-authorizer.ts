import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Authorizer } from 'latchkey/oauth'
import type { AuthorizationPrompt } from 'latchkey/node'
import type { CommandContext } from './command-context.ts'
import type { LoginOptions } from './login-options.ts'
import { documentRedirects, withDocumentRedirects, type RedirectShape } from './document-redirects.ts'
import type { LoginSettings } from './login-settings.ts'
import { pastedLines } from './pasted-lines.ts'
import type { Style } from './style.ts'

/** What the authorizer of a command needs to know. */
export interface LoginAuthorizerOptions {
  readonly server: string
  readonly settings: LoginSettings
  /** Reads the client-id metadata document. */
  readonly fetch: typeof globalThis.fetch
  /** Absent for every command but `login`. */
  readonly login?: LoginOptions
}

/** Takes the person to the authorization server: says what happens, opens the browser, and takes a pasted answer where none comes back. */
export async function createLoginAuthorizer(
  context: CommandContext,
  options: LoginAuthorizerOptions,
): Promise<Authorizer> {
  const { io, terminal } = context
  const { server, settings, login, fetch } = options
  const { createBrowserAuthorizer, detectEnvironment, openBrowser, portForwardCommand } = await import('latchkey/node')
  const environment = detectEnvironment({ env: io.env, platform: process.platform, exists: existsSync })
  const mayOpen = login?.browser !== false && environment.canOpenBrowser
  let takesPaste = false

  const create = (shape: RedirectShape): Authorizer =>
    createBrowserAuthorizer({
      server,
      ...shape,
      openBrowser: mayOpen
        ? url => {
            const { style } = terminal
            const what = login
              ? `Opening your browser to log in to ${server}`
              : `${server} asks you to log in: opening your browser`
            terminal.say(what, style.dim('If it does not open, visit:'), '', `  ${style.cyan(url.href)}`, '')
            terminal.progress.update('Waiting for you to finish in the browser')
            return openBrowser(url, { env: io.env })
          }
        : false,
      onPrompt: prompt => {
        if (prompt.browserOpened) return
        takesPaste = true
        terminal.progress.pause()
        const forward = portForwardCommand(prompt.port, { env: io.env, user: userInfo().username })
        terminal.say(...pasteLines(prompt, terminal.style, { server, failed: mayOpen, forward }))
      },
      async *pastedLines(signal) {
        if (takesPaste) yield* pastedLines(io, signal)
      },
      onRefusedPaste: message => {
        terminal.say(`${terminal.style.yellow('!')} ${message}`)
      },
      ...(login?.timeout !== undefined && { timeoutMs: login.timeout * 1_000 }),
    })

  const { clientMetadataUrl } = settings
  const fixed: RedirectShape = {
    ...(settings.redirectPort !== undefined && { port: settings.redirectPort }),
    ...(settings.callbackHost !== undefined && { host: settings.callbackHost }),
    ...(settings.callbackPath !== undefined && { path: settings.callbackPath }),
  }
  // A client registered beforehand wins over the document, and so do its redirect URIs.
  if (clientMetadataUrl === undefined || login?.clientId !== undefined) return create(fixed)
  return withDocumentRedirects(create, fixed, () => documentRedirects(clientMetadataUrl, fetch))
}

function pasteLines(
  { url }: AuthorizationPrompt,
  style: Style,
  {
    server,
    failed,
    forward,
  }: { readonly server: string; readonly failed: boolean; readonly forward: string | undefined },
): readonly string[] {
  const open = [`To log in to ${server}, open this address in a browser:`, '', `  ${style.cyan(url.href)}`, '']
  return [
    ...(failed ? [`${style.yellow('!')} No browser could be started here: open the address yourself.`] : open),
    'If the browser ends on a page that cannot be reached, paste the address of that page here.',
    ...(forward === undefined ? [] : [style.dim(`Or let the browser reach this machine, from yours: ${forward}`)]),
  ]
}
