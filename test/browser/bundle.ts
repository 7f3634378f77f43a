import { resolve } from 'node:path'
import { loadVite } from '../vite.ts'

let bundled: Promise<ReadonlyMap<string, string>> | undefined

/** The scripts of the test pages as a browser gets them, by path: one for each file of `page/`, and what they share. */
export function bundlePages(): Promise<ReadonlyMap<string, string>> {
  return (bundled ??= bundle())
}

async function bundle(): Promise<ReadonlyMap<string, string>> {
  const { build } = await loadVite()
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { alias: [{ find: /^latchkey\/(client|oauth|browser)$/, replacement: resolve('src/$1.ts') }] },
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: {
        input: { app: resolve('test/browser/page/app.ts'), callback: resolve('test/browser/page/callback.ts') },
        output: { entryFileNames: '[name].js' },
      },
    },
  })
  if (!('output' in built)) throw new Error('The bundler gave another result than one bundle.')
  return new Map(built.output.map(file => [`/${file.fileName}`, 'code' in file ? file.code : '']))
}
