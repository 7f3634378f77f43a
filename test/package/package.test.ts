import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, { types: string; default: string } | string>
  dependencies: Record<string, string>
}
const subpaths = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json')
const specifier = (subpath: string): string => `latchkey${subpath.slice(1)}`

let folder: string
let tarball: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-package-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder, '-w', '.'], {
    stdio: 'pipe',
  })
  tarball = join(folder, readdirSync(folder).find(file => file.endsWith('.tgz')) ?? '')
  const target = join(folder, 'node_modules', 'latchkey')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
  // The other peers are only asked for when they are needed.
  for (const dependency of [...Object.keys(manifest.dependencies), '@opentelemetry/api']) {
    const link = join(folder, 'node_modules', dependency)
    mkdirSync(join(link, '..'), { recursive: true })
    symlinkSync(resolve('node_modules', dependency), link)
  }
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('the packed tarball', () => {
  it('holds the compiled library, its types and licence, and nothing else', () => {
    const listing = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
    const unexpected = listing.filter(
      entry => !/^package\/(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(entry),
    )
    expect(unexpected).toEqual([])
    expect(listing).toContain('package/LICENSE')
    expect(listing).toContain('package/README.md')
  })

  it.each(subpaths)('gives a plain Node program the names of %s', subpath => {
    const program = `const names = Object.keys(await import('${specifier(subpath)}')); console.log(JSON.stringify(names))`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect((JSON.parse(output) as string[]).length).toBeGreaterThan(0)
  })

  it('type-checks in a strict program that imports every subpath without skipping library checks', () => {
    writeFileSync(
      join(folder, 'program.ts'),
      subpaths.map((subpath, index) => `import * as m${index} from '${specifier(subpath)}'\nvoid m${index}\n`).join(''),
    )
    const flags = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--lib',
      'ES2022,DOM,DOM.Iterable,DOM.AsyncIterable,ESNext.Disposable',
    ]
    const types = ['--typeRoots', resolve('node_modules/@types'), '--types', 'node']
    expect(() =>
      execFileSync(resolve('node_modules/.bin/tsc'), [...flags, ...types, 'program.ts'], {
        cwd: folder,
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    ).not.toThrow()
  })

  it('passes publint and are-the-types-wrong', () => {
    execFileSync(resolve('node_modules/.bin/publint'), [tarball, '--strict'], { stdio: 'pipe' })
    execFileSync(resolve('node_modules/.bin/attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'], {
      stdio: 'pipe',
    })
  })
})
