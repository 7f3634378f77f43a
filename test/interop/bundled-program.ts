import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadVite } from '../vite.ts'

/** A program in one file, that needs no loader and no `node_modules`. */
export interface BundledProgram {
  readonly file: string
  readonly remove: () => void
}

/** Bundles a file with all that it imports. `worker`: for a runtime without Node's modules. */
export async function bundleProgram(
  entry: string,
  options: { readonly target?: 'node' | 'worker'; readonly alias?: Record<string, string> } = {},
): Promise<BundledProgram> {
  const { target = 'node', alias = {} } = options
  const { build } = await loadVite()
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-program-'))
  await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { alias },
    ssr: { noExternal: true, target: target === 'node' ? 'node' : 'webworker' },
    build: {
      ssr: resolve(entry),
      outDir: folder,
      emptyOutDir: false,
      target: 'es2022',
      rollupOptions: { output: { format: 'es', entryFileNames: 'program.mjs', codeSplitting: false } },
    },
  })
  return { file: join(folder, 'program.mjs'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
