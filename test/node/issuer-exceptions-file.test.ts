import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readIssuerExceptions } from '../../src/node/issuer-exceptions-file.ts'
import { temporaryFolder } from './folder.ts'

const GIVEN = { issuer: 'https://auth.example.com', assumeS256: true, reason: 'it is ours', since: '2026-11-21' }

async function folderWith(content: unknown): Promise<string> {
  const folder = await temporaryFolder()
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  await writeFile(join(folder, 'issuer-exceptions.json'), text, { mode: 0o600 })
  return folder
}

function failure(folder: string): any {
  try {
    readIssuerExceptions(folder)
  } catch (error) {
    return error
  }
  throw new Error('was accepted')
}

describe('issuer-exceptions.json', () => {
  it('R-EXC-1 is an array of exceptions, in their order', async () => {
    const other = { ...GIVEN, issuer: 'https://other.example.com', metadata: { token_endpoint: 'https://x.example/t' } }
    expect(readIssuerExceptions(await folderWith([GIVEN, other]))).toEqual([GIVEN, other])
    expect(readIssuerExceptions(await folderWith(`\uFEFF${JSON.stringify([GIVEN])}`))).toEqual([GIVEN])
    expect(readIssuerExceptions(await folderWith([]))).toEqual([])
  })

  it('R-EXC-1 need not be there, nor its folder', async () => {
    const folder = await temporaryFolder()
    expect(readIssuerExceptions(folder)).toEqual([])
    expect(readIssuerExceptions(join(folder, 'none'))).toEqual([])
  })

  it('R-EXC-1 a member that is misspelt is refused with its name, its issuer and the file', async () => {
    const folder = await folderWith([GIVEN, { ...GIVEN, assumeS265: true }])
    const { code, message, detail } = failure(folder)
    expect(code).toBe('configuration')
    for (const part of [folder, 'issuer-exceptions.json', 'assumeS265', 'https://auth.example.com']) {
      expect(message).toContain(part)
    }
    expect(detail).toMatchObject({ step: 'issuer exceptions', hint: expect.stringContaining('assumeS256') })
  })

  it.each([
    ['', /no JSON/],
    ['[{"issuer": canary}]', /no JSON/],
    ['{}', /no JSON array/],
    ['null', /no JSON array/],
    ['["https://auth.example.com"]', /no object/],
    ['[null]', /no object/],
    ['[[]]', /no object/],
    ['[{}]', /issuer: it is missing/],
    [JSON.stringify([{ ...GIVEN, reason: undefined }]), /reason: it is missing/],
    [JSON.stringify([{ ...GIVEN, issuer: 'https://*.com' }]), /last two labels/],
    [' '.repeat(1_048_577), /longer than/],
  ])('R-EXC-1 %.60j is refused, and nothing of it is guessed', async (content, message) => {
    const error = failure(await folderWith(content))
    expect(error).toMatchObject({ code: 'configuration', message: expect.stringMatching(message) })
    expect(error.message).toContain('issuer-exceptions.json')
    expect(error.message).not.toContain('canary')
  })

  it('R-EXC-1 something else than a file is refused', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'issuer-exceptions.json'))
    expect(failure(folder)).toMatchObject({ code: 'configuration', message: expect.stringContaining('no file') })
  })

  it.skipIf(process.platform === 'win32')(
    'R-EXC-1 a file that others could have written relaxes nothing; in a closed folder its own mode does not matter',
    async () => {
      const folder = await folderWith([GIVEN])
      await chmod(join(folder, 'issuer-exceptions.json'), 0o664)
      expect(readIssuerExceptions(folder)).toEqual([GIVEN])
      await chmod(folder, 0o755)
      expect(failure(folder)).toMatchObject({
        message: expect.stringContaining('changed by other users'),
        detail: { hint: expect.stringContaining('chmod go-w') },
      })
      await chmod(join(folder, 'issuer-exceptions.json'), 0o644)
      expect(readIssuerExceptions(folder)).toEqual([GIVEN])
      await chmod(folder, 0o777)
      expect(failure(folder)).toMatchObject({ message: expect.stringContaining('replaced by other users') })
    },
  )
})
