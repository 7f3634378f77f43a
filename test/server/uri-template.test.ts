import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseUriTemplate } from '../../src/server/uri-template.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const match = (template: string, uri: string): unknown => parseUriTemplate(template).match(uri)

const values = {
  count: ['one', 'two', 'three'],
  dom: ['example', 'com'],
  dub: 'me/too',
  hello: 'Hello World!',
  half: '50%',
  var: 'value',
  who: 'fred',
  base: 'http://example.com/home/',
  path: '/foo/bar',
  list: ['red', 'green', 'blue'],
  v: '6',
  x: '1024',
  y: '768',
  empty: '',
  empty_keys: [],
  undef: undefined,
}

/** Section of RFC 6570 → template and expansion; those with associative arrays are left out. */
const vectors: Readonly<Record<string, readonly (readonly [template: string, uri: string])[]>> = {
  '§3.2.1': [
    ['{count}', 'one,two,three'],
    ['{count*}', 'one,two,three'],
    ['{/count}', '/one,two,three'],
    ['{/count*}', '/one/two/three'],
    ['{;count}', ';count=one,two,three'],
    ['{;count*}', ';count=one;count=two;count=three'],
    ['{?count}', '?count=one,two,three'],
    ['{?count*}', '?count=one&count=two&count=three'],
    ['{&count*}', '&count=one&count=two&count=three'],
  ],
  '§3.2.2': [
    ['{var}', 'value'],
    ['{hello}', 'Hello%20World%21'],
    ['{half}', '50%25'],
    ['O{empty}X', 'OX'],
    ['O{undef}X', 'OX'],
    ['{x,y}', '1024,768'],
    ['{x,hello,y}', '1024,Hello%20World%21,768'],
    ['?{x,empty}', '?1024,'],
    ['?{x,undef}', '?1024'],
    ['?{undef,y}', '?768'],
    ['{var:3}', 'val'],
    ['{var:30}', 'value'],
    ['{list}', 'red,green,blue'],
    ['{list*}', 'red,green,blue'],
  ],
  '§3.2.3': [
    ['{+var}', 'value'],
    ['{+hello}', 'Hello%20World!'],
    ['{+half}', '50%25'],
    ['{base}index', 'http%3A%2F%2Fexample.com%2Fhome%2Findex'],
    ['{+base}index', 'http://example.com/home/index'],
    ['O{+empty}X', 'OX'],
    ['O{+undef}X', 'OX'],
    ['{+path}/here', '/foo/bar/here'],
    ['here?ref={+path}', 'here?ref=/foo/bar'],
    ['{+x,hello,y}', '1024,Hello%20World!,768'],
    ['{+path,x}/here', '/foo/bar,1024/here'],
    ['{+path:6}/here', '/foo/b/here'],
    ['{+list}', 'red,green,blue'],
    ['{+list*}', 'red,green,blue'],
  ],
  '§3.2.4': [
    ['{#var}', '#value'],
    ['{#hello}', '#Hello%20World!'],
    ['{#half}', '#50%25'],
    ['foo{#empty}', 'foo#'],
    ['foo{#undef}', 'foo'],
    ['{#x,hello,y}', '#1024,Hello%20World!,768'],
    ['{#path,x}/here', '#/foo/bar,1024/here'],
    ['{#path:6}/here', '#/foo/b/here'],
    ['{#list}', '#red,green,blue'],
    ['{#list*}', '#red,green,blue'],
  ],
  '§3.2.5': [
    ['{.who}', '.fred'],
    ['{.who,who}', '.fred.fred'],
    ['{.half,who}', '.50%25.fred'],
    ['www{.dom*}', 'www.example.com'],
    ['X{.var}', 'X.value'],
    ['X{.empty}', 'X.'],
    ['X{.undef}', 'X'],
    ['X{.var:3}', 'X.val'],
    ['X{.list}', 'X.red,green,blue'],
    ['X{.list*}', 'X.red.green.blue'],
    ['X{.empty_keys}', 'X'],
    ['X{.empty_keys*}', 'X'],
  ],
  '§3.2.6': [
    ['{/who}', '/fred'],
    ['{/who,who}', '/fred/fred'],
    ['{/half,who}', '/50%25/fred'],
    ['{/who,dub}', '/fred/me%2Ftoo'],
    ['{/var}', '/value'],
    ['{/var,empty}', '/value/'],
    ['{/var,undef}', '/value'],
    ['{/var,x}/here', '/value/1024/here'],
    ['{/var:1,var}', '/v/value'],
    ['{/list}', '/red,green,blue'],
    ['{/list*}', '/red/green/blue'],
    ['{/list*,path:4}', '/red/green/blue/%2Ffoo'],
  ],
  '§3.2.7': [
    ['{;who}', ';who=fred'],
    ['{;half}', ';half=50%25'],
    ['{;empty}', ';empty'],
    ['{;v,empty,who}', ';v=6;empty;who=fred'],
    ['{;v,bar,who}', ';v=6;who=fred'],
    ['{;x,y}', ';x=1024;y=768'],
    ['{;x,y,empty}', ';x=1024;y=768;empty'],
    ['{;x,y,undef}', ';x=1024;y=768'],
    ['{;hello:5}', ';hello=Hello'],
    ['{;list}', ';list=red,green,blue'],
    ['{;list*}', ';list=red;list=green;list=blue'],
  ],
  '§3.2.8': [
    ['{?who}', '?who=fred'],
    ['{?half}', '?half=50%25'],
    ['{?x,y}', '?x=1024&y=768'],
    ['{?x,y,empty}', '?x=1024&y=768&empty='],
    ['{?x,y,undef}', '?x=1024&y=768'],
    ['{?var:3}', '?var=val'],
    ['{?list}', '?list=red,green,blue'],
    ['{?list*}', '?list=red&list=green&list=blue'],
  ],
  '§3.2.9': [
    ['{&who}', '&who=fred'],
    ['{&half}', '&half=50%25'],
    ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
    ['{&x,y,empty}', '&x=1024&y=768&empty='],
    ['{&x,y,undef}', '&x=1024&y=768'],
    ['{&var:3}', '&var=val'],
    ['{&list}', '&list=red,green,blue'],
    ['{&list*}', '&list=red&list=green&list=blue'],
  ],
}

describe('expand', () => {
  for (const [section, cases] of Object.entries(vectors))
    it.each(cases)(`RFC 6570 ${section}: %s becomes %s`, (template, uri) => {
      expect(parseUriTemplate(template).expand(values)).toBe(uri)
    })

  it('percent-encodes what a URI may not hold, also in the text between variables', () => {
    expect(parseUriTemplate('x://ü%c3/{a}{?b}').expand({ a: 'é😀', b: "(*')" })).toBe(
      'x://%C3%BC%c3/%C3%A9%F0%9F%98%80?b=%28%2A%27%29',
    )
  })

  it('takes whole characters as a prefix, never half of one', () => {
    expect(parseUriTemplate('{a:2}').expand({ a: '😀😀😀' })).toBe('%F0%9F%98%80%F0%9F%98%80')
  })

  it('refuses a prefix of a list, and half a surrogate pair, naming the variable', () => {
    expect(() => parseUriTemplate('{some:2}').expand({ some: ['a'] })).toThrow(/"some" is a list/)
    expect(() => parseUriTemplate('{some}').expand({ some: '\ud800' })).toThrow(/"some" holds half a surrogate pair/)
    expect(() => parseUriTemplate('{+some}').expand({ some: '\ud800' })).toThrow(TypeError)
  })

  it('takes no values from a prototype', () => {
    expect(parseUriTemplate('{toString}').expand({})).toBe('')
    expect(parseUriTemplate('{a}').expand(Object.create({ a: 'inherited' }) as Record<string, string>)).toBe('')
  })
})

describe('parseUriTemplate', () => {
  it.each([
    ['a{b', 1, '"{" is never closed'],
    ['ab}c', 2, '"}" without "{"'],
    ['a{}', 2, 'a variable name is missing'],
    ['a{b,}', 4, 'a variable name is missing'],
    ['{b c}', 1, '"b c" is no variable name'],
    ['{a{b}', 1, '"a{b" is no variable name'],
    ['{.a..b}', 2, 'is no variable name'],
    ['{=a}', 1, 'the operator "=" is reserved'],
    ['{|a}', 1, 'the operator "|" is reserved'],
    ['{a:0}', 1, 'no number from 1 to 9999'],
    ['{a:10000}', 1, 'no number from 1 to 9999'],
    ['{a:1:2}', 1, 'no number from 1 to 9999'],
    ['{a:3*}', 1, 'both a length and "*"'],
    ['a b', 1, '" " must be percent-encoded'],
    ['a%zz', 1, '"%" must be percent-encoded'],
    ['a\0', 1, '"\\u0000" must be percent-encoded'],
  ])('refuses %j at position %i: %s', (template, position, problem) => {
    let error: unknown
    try {
      parseUriTemplate(template)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(TypeError)
    expect((error as TypeError).message).toContain(`at position ${position}: `)
    expect((error as TypeError).message).toContain(problem)
  })

  it.each([
    '{a}{b}',
    '{+a}{b}',
    'up{+path}{var}/here',
    '{name}{.extension}',
    '{?a}{&b}',
    '{/a*}{/b}',
    '{#a}{?b}',
    '{a}{+b}',
  ])('refuses %s, whose expressions cannot be told apart', template => {
    expect(() => parseUriTemplate(template)).toThrow(/cannot be told apart from the expression right before it/)
  })

  it('refuses two lists in one expression, and a list that appears again', () => {
    expect(() => parseUriTemplate('{/a*,b*}')).toThrow(/two lists in one expression/)
    expect(() => parseUriTemplate('{a}/{a*}')).toThrow(/the list "a" appears twice/)
    expect(() => parseUriTemplate('{a*}/{a}')).toThrow(/the list "a" appears twice/)
  })

  it('refuses a template of more than 8192 characters or 64 variables', () => {
    expect(parseUriTemplate('a'.repeat(8192)).variables).toEqual([])
    expect(() => parseUriTemplate('a'.repeat(8193))).toThrow(/longer than 8192 characters/)
    const many = (count: number): string => Array.from({ length: count }, (_, index) => `/{v${index}}`).join('')
    expect(parseUriTemplate(many(64)).variables).toHaveLength(64)
    expect(() => parseUriTemplate(many(65))).toThrow(/more than 64 variables/)
    expect(() => parseUriTemplate(`{${'a,'.repeat(64)}a}`)).toThrow(/more than 64 variables/)
  })

  it('names each variable once, in order', () => {
    expect(parseUriTemplate('{/b:1,b}{?a,c}').variables).toEqual(['b', 'a', 'c'])
  })

  it('throws nothing but TypeErrors, whatever the template', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '*',
      ':',
      ',',
      '?',
      '&',
      '/',
      '.',
      '#',
      '+',
      'a',
      'b',
      '3',
      '%',
      '%41',
      'é',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.array(piece).map(pieces => pieces.join('')),
        fc.string({ unit: 'binary' }),
        (template, uri) => {
          try {
            parseUriTemplate(template).match(uri)
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError)
            expect((error as TypeError).message).toMatch(/^URI template /)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('match', () => {
  it.each([
    ['test://template/{id}/data', 'test://template/123/data', { id: '123' }],
    ['test://static', 'test://static', {}],
    ['mail://{address}', 'mail://jo+x@example.com', { address: 'jo+x@example.com' }],
    ['x://{a}', 'x://caf%C3%A9%20%e2%82%ac', { a: 'café €' }],
    ['x://{a}', 'x://café', { a: 'café' }],
    ['x://ü/{a}', 'x://%c3%bc/1', { a: '1' }],
    ['x://{a}-{b}', 'x://x-y-z', { a: 'x-y', b: 'z' }],
    ['x://{a}2{b}', 'x://x2y%20', { a: 'x', b: 'y ' }],
    ['x://{a}F', 'x://%2FF', undefined],
    ['x://{a,b}', 'x://1,2', { a: '1', b: '2' }],
    ['x://{a,b}', 'x://1', { a: '1' }],
    ['x://{a,b}', 'x://1,2,3', undefined],
    ['x://{a}', 'x://1,2', { a: '1,2' }],
    ['x://{a*}', 'x://1,2%2C,3', { a: ['1', '2,', '3'] }],
    ['x://{a:3}', 'x://abc', { a: 'abc' }],
    ['x://{a:3}', 'x://abcd', undefined],
    ['x://{a:1}/{a}', 'x://a/abc', { a: 'abc' }],
    ['x://{a:1}/{a}', 'x://b/abc', undefined],
    ['x://{a}/{a}', 'x://1/2', undefined],
    ['file:///{+path}', 'file:///a/b%20c', { path: 'a/b c' }],
    ['file:///{+path}', 'file:///', { path: '' }],
    ['file:///{+path}/x', 'file:///x/x/x', { path: 'x/x' }],
    ['file:///{+path}{?line}', 'file:///a/b?line=3', { path: 'a/b', line: '3' }],
    ['file:///{+path}', 'file:///a?b#c', { path: 'a?b#c' }],
    ['x://a{#part}', 'x://a#b/c?d', { part: 'b/c?d' }],
    ['x://a{#part}', 'x://a#', { part: '' }],
    ['x://a{#part}', 'x://a', {}],
    ['x://{name}/y{.format}', 'x://n/y.tar.gz', { name: 'n', format: 'tar.gz' }],
    ['www{.dom*}', 'www.example.com', { dom: ['example', 'com'] }],
    ['x:/{/a,b}', 'x://1/2', { a: '1', b: '2' }],
    ['x:{/a,b}/edit', 'x:/1/edit', { a: '1' }],
    ['x:{/a}/{+rest}', 'x:/1/2/3', { a: '1', rest: '2/3' }],
    ['x:{/a*}/edit', 'x:/1/edit/edit', { a: ['1', 'edit'] }],
    ['{/list*,last}', '/red/green/blue', { list: ['red', 'green'], last: 'blue' }],
    ['x:{/a}{;v}{?q}', 'x:/1;v=2;other=3?q=4', { a: '1', v: '2', q: '4' }],
    ['x:a{;v}', 'x:a;v', { v: '' }],
    ['x:{a}{?q,lang}', 'x:1?lang=de&q=a%26b/c', { a: '1', lang: 'de', q: 'a&b/c' }],
    ['x:{a}{?q,lang}', 'x:1', { a: '1' }],
    ['x:{a}{?q,lang}', 'x:1?', { a: '1' }],
    ['x:{a}{?q}', 'x:1?other=2&q=', { a: '1', q: '' }],
    ['x:{a}{?q}', 'x:1?q=1&q=2', undefined],
    ['x:{a}{?q*}', 'x:1?q=1&q=2', { a: '1', q: ['1', '2'] }],
    ['x:a?fixed=1{&q}', 'x:a?fixed=1&q=2', { q: '2' }],
    ['x:a?fixed=1{&q}', 'x:a?fixed=12', undefined],
    ['x:a?q={q}&l={l}', 'x:a?q=1&l=2&l=3', undefined],
    ['x:{?a}{#f}', 'x:?a=1#f', { a: '1', f: 'f' }],
    ['x:{?a_b%c3}', 'x:?a_b%C3=1', { 'a_b%c3': '1' }],
  ])('%s and %s: %j', (template, uri, expected) => {
    expect(match(template, uri)).toEqual(expected)
  })

  it.each(['x://', 'x:///', 'x://a/b', 'x://a?b', 'x://a#b', 'x://a&b', 'X://a', 'yx://a', 'x://a/'])(
    'x://{var} does not match %s',
    uri => {
      expect(match('x://{var}', uri)).toBeUndefined()
    },
  )

  it.each(['%2F', '%2f..%2F', '..', '.', '%2E%2e', '.%2E', 'a%5Cb', 'a\\b', '%00', 'a%2Fb', '..%5C'])(
    'does not match a value that leads out of its folder: %s',
    value => {
      expect(match('x://{var}', `x://${value}`)).toBeUndefined()
      expect(match('x://{a,var}', `x://1,${value}`)).toBeUndefined()
      expect(match('x://{var*}', `x://1,${value}`)).toBeUndefined()
      expect(match('x:/{/var}', `x://${value}`)).toBeUndefined()
      expect(match('x:/{/var*}', `x://1/${value}/2`)).toBeUndefined()
      expect(match('x://a{;var}', `x://a;var=${value}`)).toBeUndefined()
    },
  )

  it('does not match an extension that leads out of its folder', () => {
    expect(match('x://a{.var}', 'x://a.%2Fb')).toBeUndefined()
    expect(match('x://{.var}', 'x://..')).toBeUndefined()
    expect(match('x://{.var}', 'x://...')).toBeUndefined()
  })

  it('hands over what came for {+var}, {#var} and query variables', () => {
    expect(match('x://{+var}', 'x://..%2F../%00')).toEqual({ var: '../../\0' })
    expect(match('x://{#var}', 'x://#../')).toEqual({ var: '../' })
    expect(match('x://{?var}', 'x://?var=../%00')).toEqual({ var: '../\0' })
  })

  it.each(['%', '%4', '%zz', '%ff', '%c0%af', '%ed%a0%80', 'a\ud800', '%E2%82'])(
    'does not match what is no UTF-8, or no percent-encoding: %j',
    value => {
      for (const template of ['x://{a}', 'x://{+a}', 'x://{#a}', 'x://{?a}', 'x://{a*}'])
        expect(
          match(template, parseUriTemplate(template).expand({ a: 'VALUE' }).replace('VALUE', value)),
        ).toBeUndefined()
    },
  )

  it('does not match a URI of more than 16384 characters, as it is percent-encoded', () => {
    expect(match('{+a}', 'a'.repeat(16_384))).toBeDefined()
    expect(match('{+a}', 'a'.repeat(16_385))).toBeUndefined()
    expect(match('{+a}', 'é'.repeat(2731))).toBeUndefined()
    const encode = vi.spyOn(globalThis, 'encodeURIComponent')
    expect(match('{+a}', 'é'.repeat(100_000))).toBeUndefined()
    expect(encode).not.toHaveBeenCalled()
  })

  it('gives values their names whatever these are', () => {
    const found = parseUriTemplate('x://{__proto__}/{constructor}').match('x://1/2')
    expect(Object.entries(found ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  const segment = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter(text => !/[/\\\0]/.test(text) && text !== '.' && text !== '..')
  const anything = fc.string({ unit: 'grapheme' })

  it('gives back what was expanded', () => {
    fc.assert(
      fc.property(
        segment,
        segment,
        fc.array(segment, { minLength: 1 }),
        anything,
        fc.array(anything, { minLength: 1 }),
        (id, name, path, query, tags) => {
          const template = parseUriTemplate('x://host/{id}/of/{name}{/path*}{?query,tags*}')
          const given = { id, name, path, query, tags }
          expect(template.match(template.expand(given))).toEqual(given)
        },
      ),
    )
  })

  it('finds text between variables wherever it is, the last time it is there', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(text, text, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 }), (between, other, rest) => {
        for (const uri of [rest, other + between + rest]) {
          const at = uri.lastIndexOf(between)
          const expected = at === -1 ? undefined : { x: uri.slice(0, at), y: uri.slice(at + between.length) }
          expect(match(`{+x}${between}{+y}`, uri)).toEqual(expected)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('never throws and finds only strings, whatever the URI', () => {
    const templates = ['x://{a}/{b}', 'x://{a*}{?b*}', 'x:{/a*,b}{;c}', 'x:{+a}-{+b}', 'x:{.a*}{#b}'].map(
      parseUriTemplate,
    )
    const piece = fc.constantFrom(
      'x:',
      '//',
      '/',
      '.',
      ',',
      ';',
      '?',
      '&',
      '#',
      '=',
      '%',
      '%2F',
      '%ff',
      'a',
      'b',
      '-',
      'é',
    )
    const uri = fc.array(piece).map(pieces => `x:${pieces.join('')}`)
    fc.assert(
      fc.property(fc.oneof(uri, fc.string({ unit: 'binary' })), text => {
        for (const template of templates)
          for (const value of Object.values(template.match(text) ?? {}).flat()) expect(typeof value).toBe('string')
      }),
      { numRuns: 500 },
    )
  })

  /** How many characters are read to match; all reading of the URI goes through `charAt`. */
  function countReads(template: string, uri: string): number {
    const parsed = parseUriTemplate(template)
    const charAt = vi.spyOn(String.prototype, 'charAt')
    parsed.match(uri)
    const reads = charAt.mock.calls.length
    charAt.mockRestore()
    return reads
  }

  it.each([
    ['{+v}a', 'b', 8],
    ['{v}-', '-', 8],
    ['{+v}aaaaaaaaaaaaaaab', 'c', 4],
    ['{v*}.', '.,', 8],
    ['x{/v*}', '/', 8],
  ])('reads each character at most a few times for each part: %s repeated, %s repeated', (part, unit, repeats) => {
    const template = `${Array.from({ length: repeats }, (_, index) => part.replace('v', `v${index}`)).join('')}!`
    const read = (length: number): number => countReads(template, unit.repeat(length / unit.length))
    // Each expression has at most six steps that read, and each literal reads twice.
    for (const length of [200, 400, 800]) expect(read(length)).toBeLessThanOrEqual(8 * length * 2 * repeats)
    expect(read(800)).toBeLessThanOrEqual(2.1 * read(400))
  })
})
