import { type ChildProcess, spawn } from 'node:child_process'
import { isSecureUrl } from '../oauth/protocol/url.ts'

export interface OpenBrowserOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
}

/** How long an opener may take to fail; one that still runs then is taken for a browser. */
const START_MS = 1_500

/**
 * Opens `url` in the person's browser; false when nothing could be started. `BROWSER` names an executable that gets the URL as its single
 * argument; else the platform's opener is used.
 *
 * The URL comes from a server. It is given to a program as one argument and never to a shell, which would run what an attacker wrote between
 * its quotes (CVE-2025-6514), and only if it is https, or http on loopback, so that it cannot be read as an option or start another program.
 */
export async function openBrowser(url: URL, options: OpenBrowserOptions = {}): Promise<boolean> {
  const { env = process.env, platform = process.platform } = options
  if (!isSecureUrl(url)) return false
  for (const [command, ...args] of openers(env, platform)) {
    if (command !== undefined && (await starts(command, [...args, url.href], env))) return true
  }
  return false
}

function openers(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): readonly (readonly string[])[] {
  if (env['BROWSER']) return [[env['BROWSER']]]
  if (platform === 'darwin') return [['/usr/bin/open']]
  // By its full path: Windows looks in the current folder first.
  if (platform === 'win32') {
    return [[`${env['SystemRoot'] || 'C:\\Windows'}\\System32\\rundll32.exe`, 'url.dll,FileProtocolHandler']]
  }
  // Windows' own opener, from inside its Linux.
  if (env['WSL_DISTRO_NAME']) return [['wslview'], ['rundll32.exe', 'url.dll,FileProtocolHandler']]
  return [['xdg-open']]
}

function starts(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  return new Promise(resolve => {
    const child = start(command, args, env)
    if (!child) return resolve(false)
    const timer = setTimeout(() => settle(true), START_MS)
    const settle = (started: boolean): void => {
      clearTimeout(timer)
      child.unref()
      resolve(started)
    }
    child.once('error', () => settle(false))
    child.once('exit', code => settle(code === 0))
  })
}

/** Some failures to start are thrown, such as an argument that is too long; the rest come as events. */
function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChildProcess | undefined {
  try {
    return spawn(command, args, { stdio: 'ignore', detached: true, shell: false, env: { ...env }, windowsHide: true })
  } catch {
    return undefined
  }
}
