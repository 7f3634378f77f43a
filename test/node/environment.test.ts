import { describe, expect, it } from 'vitest'
import { detectEnvironment, portForwardCommand } from '../../src/node/environment.ts'

const nothing: readonly string[] = []

describe('where this process runs', () => {
  it.each([
    ['a Mac', 'darwin', {}, nothing, 'desktop', true],
    ['Windows', 'win32', {}, nothing, 'desktop', true],
    ['Linux with X11', 'linux', { DISPLAY: ':0' }, nothing, 'desktop', true],
    ['Linux with Wayland', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, nothing, 'desktop', true],
    ['Linux without a display', 'linux', {}, nothing, 'headless', false],
    ['Linux with an empty DISPLAY', 'linux', { DISPLAY: '' }, nothing, 'headless', false],
    ['SSH', 'linux', { SSH_CONNECTION: '1 2 3 4' }, nothing, 'ssh', false],
    ['SSH with a display', 'linux', { SSH_TTY: '/dev/pts/0', DISPLAY: ':0' }, nothing, 'ssh', false],
    ['SSH into a Mac', 'darwin', { SSH_CONNECTION: '1 2 3 4' }, nothing, 'ssh', false],
    ['SSH with a BROWSER', 'linux', { SSH_CONNECTION: '1 2 3 4', BROWSER: 'helper' }, nothing, 'ssh', true],
    ['Codespaces', 'linux', { CODESPACES: 'true', SSH_CONNECTION: '1 2 3 4' }, nothing, 'codespaces', false],
    ['Docker', 'linux', { DISPLAY: ':0' }, ['/.dockerenv'], 'container', false],
    ['Podman', 'linux', {}, ['/run/.containerenv'], 'container', false],
    ['a dev container with a BROWSER', 'linux', { BROWSER: 'helper' }, ['/.dockerenv'], 'container', true],
    ['WSL', 'linux', { WSL_DISTRO_NAME: 'Ubuntu' }, nothing, 'wsl', true],
    ['a server with a BROWSER', 'linux', { BROWSER: 'helper' }, nothing, 'headless', true],
  ] as const)('field A3: %s', (_, platform, env, files, kind, canOpenBrowser) => {
    const found = detectEnvironment({ env, platform, exists: path => (files as readonly string[]).includes(path) })
    expect({ kind: found.kind, canOpenBrowser: found.canOpenBrowser }).toEqual({ kind, canOpenBrowser })
    if (!canOpenBrowser) expect(found.hint).toContain('paste the address')
  })

  it('looks at this very process by default', () => {
    expect(detectEnvironment().kind).toMatch(/^(desktop|ssh|codespaces|container|wsl|headless)$/)
  })
})

describe('the command that forwards the port', () => {
  it('field A3: names the machine as the person reached it', () => {
    const env = { SSH_CONNECTION: '203.0.113.9 51234 198.51.100.7 22' }
    expect(portForwardCommand(4711, { env, user: 'ada' })).toBe('ssh -N -L 4711:127.0.0.1:4711 ada@198.51.100.7')
  })

  it('is not there outside SSH', () => {
    expect(portForwardCommand(4711, { env: {}, user: 'ada' })).toBeUndefined()
    expect(portForwardCommand(4711, { env: { SSH_CONNECTION: '' }, user: 'ada' })).toBeUndefined()
  })
})
