import type { TestProject } from 'vitest/node'
import { buildLibrary } from './built-library.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the built library. */
    readonly library: string
  }
}

/** Builds the library once for all files of this suite. */
export default async function setup({ provide }: TestProject): Promise<() => void> {
  const { folder, remove } = await buildLibrary()
  provide('library', folder)
  return remove
}
