import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiles the command line and the library below it into a folder of their own, so that processes run what is in the tree. */
export function buildCommandLine(): { readonly binary: string; readonly remove: () => void } {
  const cache = join(root, 'cli/node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // There the packages that both need are found further up.
  const folder = mkdtempSync(join(cache, 'latchkey-cli-'))
  compile('tsconfig.build.json', join(folder, 'node_modules/latchkey/dist'))
  compile('cli/tsconfig.json', join(folder, 'cli/dist'))
  cpSync(join(root, 'package.json'), join(folder, 'node_modules/latchkey/package.json'))
  for (const file of ['package.json', 'bin'])
    cpSync(join(root, 'cli', file), join(folder, 'cli', file), { recursive: true })
  return {
    binary: join(folder, 'cli/bin/latchkey.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function compile(config: string, folder: string): void {
  const tsc = 'node_modules/typescript/bin/tsc'
  // Types are checked elsewhere.
  execFileSync(process.execPath, [tsc, '-p', config, '--noCheck', '--outDir', folder], { cwd: root })
}
