import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiles the library into a folder of its own, so that child processes run what is in the tree, without a loader. */
export function buildLibrary(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-built-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  // What the library depends on is found from where it is imported.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const tsc = 'node_modules/typescript/bin/tsc'
  // Types are checked elsewhere.
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', folder], { cwd: root })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
