import { describe, expect, it } from 'vitest'
import { contentParts, joinTexts } from '../../cli/src/content-parts.ts'
import { numberedName, safeFileName } from '../../cli/src/file-name.ts'
import { toolResultParts } from '../../cli/src/tool-result.ts'

describe('an answer for people', () => {
  it('prints text blocks as they are, without what drives a terminal', () => {
    const { texts, notes } = contentParts([
      { type: 'text', text: 'one\n\ttwo\r\n' },
      { type: 'text', text: 'red \u001b[31m\u009b0m\u0007\u202e end' },
    ])
    expect(joinTexts(texts)).toBe('one\n\ttwo\nred [31m0m end\n')
    expect(notes).toEqual([])
  })

  it('prints structured content when there is no text', () => {
    expect(toolResultParts({ content: [], structuredContent: { a: 1 } }).texts).toEqual(['{\n  "a": 1\n}'])
    const both = { content: [{ type: 'text', text: 'a' }], structuredContent: { ignored: 'since there is text' } }
    expect(toolResultParts(both).texts).toEqual(['a'])
  })

  it('takes what is no text for bytes to be saved', () => {
    const { texts, media, notes } = contentParts([
      { type: 'image', mimeType: 'image/png', data: 'AAEC' },
      { type: 'resource', resource: { uri: 'file:///a.bin', mimeType: 'application/x', blob: '/w==' } },
      { type: 'resource', resource: { uri: 'file:///a.txt', text: 'embedded' } },
      { type: 'resource_link', uri: 'file:///b.txt', name: 'b' },
      { type: 'hologram' },
      null,
    ])
    expect(texts).toEqual(['embedded', 'file:///b.txt  b'])
    expect(media).toEqual([
      { what: 'image', name: undefined, mimeType: 'image/png', bytes: Buffer.from([0, 1, 2]) },
      { what: 'resource file:///a.bin', name: 'file:///a.bin', mimeType: 'application/x', bytes: Buffer.from([255]) },
    ])
    expect(notes).toEqual(['hologram (unknown type) is not shown; --json prints it'])
  })

  it('is empty for an empty answer', () => {
    expect(toolResultParts({})).toEqual({ texts: [], media: [], notes: [] })
  })
})

describe('names of files', () => {
  it.each([
    ['get-tiny-image', 'image/png', 'get-tiny-image.png'],
    ['file:///photos/Otter%201.PNG?x=/etc', 'image/png', 'Otter-201.png'],
    ['../../../etc/passwd', undefined, 'passwd.bin'],
    ['..\\..\\run.exe', 'application/x-msdownload', 'run.exe.bin'],
    ['.npmrc', 'text/plain', 'npmrc.txt'],
    ['/', 'audio/mpeg', 'file.mp3'],
    ['…', 'audio/wav; codecs=1', 'file.wav'],
    ['CON', 'image/gif', 'file-CON.gif'],
    ['nul.x', 'image/gif', 'file-nul.x.gif'],
    ['a\u001b[31mb\n', 'image/gif', 'a-31mb.gif'],
    ['x'.repeat(500), 'image/webp', `${'x'.repeat(60)}.webp`],
    ['package.json', 'application/json', 'package.json.bin'],
    ['constructor', 'constructor', 'constructor.bin'],
  ])('%j of type %s is saved as %s: never hidden, never a path, never a program', (name, type, expected) => {
    expect(safeFileName(name, type)).toBe(expected)
  })

  it('get a number when they are taken', () => {
    expect([1, 2, 10].map(number => numberedName('a.b.png', number))).toEqual(['a.b.png', 'a.b-2.png', 'a.b-10.png'])
  })
})
