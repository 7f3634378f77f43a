// Installs programs of others into a folder with a lockfile of its own, when they are missing or the lockfile changed: what only some tests need, and
// what is too big for everybody's node_modules.
//
//   node scripts/install-locked.mjs test/runtimes "Bun, Deno and workerd (about 350 MB)"
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Makes sure that exactly what the folder's lockfile names is installed, and says what it does. */
export function installLocked(folder, what) {
  const stamp = join(folder, 'node_modules', '.installed-lockfile')
  const lockfile = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockfile) return

  console.log(`installing ${what}, once …`)
  const started = Date.now()
  execFileSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    // npm hands its own settings down; those of the outer package must not reach this one.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(config_workspace|package_|lifecycle_)/i.test(name)),
    ),
  })
  writeFileSync(stamp, lockfile)
  console.log(`installed in ${((Date.now() - started) / 1000).toFixed(0)} s`)
}

const [, script, folder, what] = process.argv
if (script === fileURLToPath(import.meta.url)) {
  try {
    installLocked(folder, what)
  } catch (error) {
    // npm has said why.
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
