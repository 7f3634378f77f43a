import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadVite } from '../vite.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The library in a folder of its own, for child processes: `<entry>.js` for each entry of the package, and `node/file-store.js`. */
export interface BuiltLibrary {
  readonly folder: string
  readonly remove: () => void
}

/**
 * Builds the library from what is in the tree. In few files, since the many that the package has take a process longer to load than most
 * tests run; `test/package` is about those.
 */
export async function buildLibrary(): Promise<BuiltLibrary> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-built-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  // What the library depends on is found from where it is imported.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const entries = [...readdirSync(join(root, 'src')).filter(name => name.endsWith('.ts')), 'node/file-store.ts']
  const { build } = await loadVite()
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      ssr: true,
      outDir: folder,
      emptyOutDir: false,
      target: 'es2022',
      rollupOptions: {
        input: Object.fromEntries(entries.map(name => [name.slice(0, -3), join(root, 'src', name)])),
        output: { entryFileNames: '[name].js', chunkFileNames: 'shared/[name]-[hash].js' },
      },
    },
  })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
