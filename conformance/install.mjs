// Installs the official suite and the Node it needs into conformance/node_modules, when they are missing or the lockfile changed.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const stamp = `${here}node_modules/.installed-lockfile`

/** The suite's own Node: it needs a newer one than the library does. */
export const suiteNode = `${here}node_modules/node/bin/${process.platform === 'win32' ? 'node.exe' : 'node'}`
/** The suite's entry file. */
export const suiteEntry = `${here}node_modules/@modelcontextprotocol/conformance/dist/index.js`

/** Makes sure that exactly what the lockfile names is installed, and says what it does. */
export function install() {
  const lockfile = createHash('sha256')
    .update(readFileSync(`${here}package-lock.json`))
    .digest('hex')
  const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lockfile
  if (installed && existsSync(suiteNode) && existsSync(suiteEntry)) return

  console.log('installing the conformance suite and its Node (about 240 MB, once) …')
  const started = Date.now()
  execFileSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: here,
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

if (process.argv[1] === fileURLToPath(import.meta.url)) install()
