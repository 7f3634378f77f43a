import { existsSync } from 'node:fs'

/** Where this process runs, as far as it matters for a browser that must come back to it. */
export interface Environment {
  readonly kind: 'desktop' | 'ssh' | 'codespaces' | 'container' | 'wsl' | 'headless'
  /** Whether a browser opened here is one the person sees, and can reach a listener on loopback. */
  readonly canOpenBrowser: boolean
  /** What the person can do instead, when it cannot. */
  readonly hint?: string
}

export interface EnvironmentSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly exists: (path: string) => boolean
}

/** Finds out where this process runs. `BROWSER` in the environment always counts as a browser. */
export function detectEnvironment(
  { env, platform, exists }: EnvironmentSurroundings = {
    env: process.env,
    platform: process.platform,
    exists: existsSync,
  },
): Environment {
  const hasBrowser = Boolean(env['BROWSER'])
  const without = (kind: Environment['kind'], hint: string): Environment => ({ kind, canOpenBrowser: hasBrowser, hint })
  if (env['CODESPACES'] === 'true') {
    return without('codespaces', 'Open the URL in your own browser, then paste the address it ends on.')
  }
  if (env['SSH_CONNECTION'] || env['SSH_TTY']) {
    return without('ssh', 'Open the URL on your own machine, then paste the address it ends on, or forward the port.')
  }
  if (exists('/.dockerenv') || exists('/run/.containerenv')) {
    return without('container', 'Open the URL outside the container, then paste the address it ends on.')
  }
  if (env['WSL_DISTRO_NAME']) return { kind: 'wsl', canOpenBrowser: true }
  if (platform !== 'darwin' && platform !== 'win32' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) {
    return without('headless', 'Open the URL in any browser, then paste the address it ends on.')
  }
  return { kind: 'desktop', canOpenBrowser: true }
}

/** The command that makes a listener on this machine reachable from the person's own, over SSH; undefined outside SSH. */
export function portForwardCommand(
  port: number,
  { env, user }: { readonly env: Readonly<Record<string, string | undefined>>; readonly user: string },
): string | undefined {
  const host = env['SSH_CONNECTION']?.split(' ')[2]
  return host === undefined ? undefined : `ssh -N -L ${port}:127.0.0.1:${port} ${user}@${host}`
}
