import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const required = Boolean(process.env['LATCHKEY_REQUIRE_KEYRING'] ?? process.env['CI'])
const SESSION = '/usr/bin/dbus-run-session'
const installed = ['/usr/bin/gnome-keyring-daemon', SESSION].every(existsSync)

/** Whether the suite that needs a keychain is left out. Where one is required, its absence is a failure instead. */
export const withoutKeyring = !installed && !required

if (withoutKeyring) {
  console.warn('skipped: no real keychain was tried (apt-get install gnome-keyring dbus libsecret-1-0)')
}

export interface KeyringSession {
  /** Where nothing belongs to the machine: home, data, keyrings, and `LATCHKEY_HOME`. */
  readonly home: string
  /**
   * Runs a shell script in a D-Bus session of its own; resolves to what it wrote to stdout. `keyring` says what the session finds:
   * an unlocked keyring (made the first time), the same one locked, or no service at all.
   */
  run(keyring: 'unlocked' | 'locked' | 'none', script: string, env?: Readonly<Record<string, string>>): Promise<string>
  remove(): Promise<void>
}

const BEGIN = {
  unlocked: 'printf pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1',
  locked: 'gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1',
  none: ':',
}

/** A home of its own for sessions with GNOME Keyring. */
export async function createKeyringSession(): Promise<KeyringSession> {
  if (!installed) throw new Error('A keychain is required here and not installed: apt-get install gnome-keyring dbus')
  const home = await mkdtemp(join(tmpdir(), 'latchkey-keyring-'))
  const folders = { XDG_DATA_HOME: 'data', XDG_CONFIG_HOME: 'config', XDG_CACHE_HOME: 'cache', XDG_RUNTIME_DIR: 'run' }
  const places = Object.fromEntries(Object.entries(folders).map(([name, folder]) => [name, join(home, folder)]))
  for (const place of Object.values(places)) await mkdir(place, { mode: 0o700 })
  const bus = join(home, 'bus.conf')
  // Without the services of the machine, nothing is started that is not started here.
  await writeFile(
    bus,
    '<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>' +
      '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>',
  )
  return {
    home,
    run(keyring, script, env = {}) {
      const body = `${BEGIN[keyring]}; ${script}`
      const child = spawn(SESSION, [`--config-file=${bus}`, '--', 'sh', '-c', body], {
        env: { PATH: process.env['PATH'] ?? '', HOME: home, LATCHKEY_HOME: join(home, 'latchkey'), ...places, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const texts = { stdout: '', stderr: '' }
      child.stdout.on('data', chunk => (texts.stdout += String(chunk)))
      child.stderr.on('data', chunk => (texts.stderr += String(chunk)))
      return new Promise((resolve, reject) => {
        child.on('error', reject)
        child.on('close', code => {
          if (code === 0) resolve(texts.stdout)
          else reject(new Error(`exit code ${code}: ${texts.stderr}`))
        })
      })
    },
    remove: () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  }
}
