import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Vite } from 'vitest/node'

/** The bundler that vitest itself runs on. */
export async function loadVite(): Promise<typeof Vite> {
  const beside = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'))
  return import(pathToFileURL(beside.resolve('vite')).href) as Promise<typeof Vite>
}
