// Installs the official suite and the Node it needs into conformance/node_modules, when they are missing or the lockfile changed.
import { fileURLToPath } from 'node:url'
import { installLocked } from '../scripts/install-locked.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

/** The suite's own Node: it needs a newer one than the library does. */
export const suiteNode = `${here}node_modules/node/bin/${process.platform === 'win32' ? 'node.exe' : 'node'}`
/** The suite's entry file. */
export const suiteEntry = `${here}node_modules/@modelcontextprotocol/conformance/dist/index.js`

/** Makes sure that exactly what the lockfile names is installed, and says what it does. */
export function install() {
  installLocked(here, 'the conformance suite and its Node (about 240 MB)')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) install()
