/** What a literal address says about where it leads; `name` is a host name that only a resolver can place. */
export type AddressScope = 'public' | 'loopback' | 'private' | 'special' | 'name'

type Range = readonly [base: number, bits: number, scope: AddressScope]

const quad = (a: number, b: number, c: number, d: number): number => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0

/** The IPv4 special-purpose registry as far as a client must stay out of it (RFC 6890). */
const IPV4_RANGES: readonly Range[] = [
  [quad(0, 0, 0, 0), 8, 'special'],
  [quad(10, 0, 0, 0), 8, 'private'],
  [quad(100, 64, 0, 0), 10, 'private'],
  [quad(127, 0, 0, 0), 8, 'loopback'],
  [quad(169, 254, 0, 0), 16, 'special'],
  [quad(172, 16, 0, 0), 12, 'private'],
  [quad(192, 0, 0, 0), 24, 'special'],
  [quad(192, 168, 0, 0), 16, 'private'],
  [quad(198, 18, 0, 0), 15, 'private'],
  [quad(224, 0, 0, 0), 3, 'special'],
]

function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/u.exec(text)
  if (match === null) return undefined
  const parts = match.slice(1).map(Number)
  const [a = 256, b = 256, c = 256, d = 256] = parts
  return parts.some(part => part > 255) ? undefined : quad(a, b, c, d)
}

function scopeOfIpv4(address: number): AddressScope {
  const range = IPV4_RANGES.find(([base, bits]) => address >>> (32 - bits) === base >>> (32 - bits))
  return range?.[2] ?? 'public'
}

/** The eight 16-bit groups of an IPv6 address, a trailing dotted quad included. */
function parseIpv6(text: string): readonly number[] | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/u.exec(text)
  const tail = dotted?.[2] === undefined ? undefined : parseIpv4(dotted[2])
  if (dotted !== null && tail === undefined) return undefined
  const source =
    tail === undefined ? text : `${dotted?.[1] ?? ''}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`
  const halves = source.split('::')
  if (halves.length > 2) return undefined
  const [head = [], rest = []] = halves.map(half => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - rest.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...rest]
  return groups.every(group => /^[0-9a-f]{1,4}$/iu.test(group)) ? groups.map(group => parseInt(group, 16)) : undefined
}

function scopeOfIpv6(groups: readonly number[]): AddressScope {
  const [first = 0, second = 0, third = 0, , , sixth = 0, seventh = 0, last = 0] = groups
  const embedded = ((seventh << 16) | last) >>> 0
  if (groups.slice(0, 5).every(group => group === 0)) {
    // ::ffff:a.b.c.d reaches a.b.c.d, and so may the deprecated ::a.b.c.d.
    if (sixth === 0xffff) return scopeOfIpv4(embedded)
    if (sixth === 0) {
      if (embedded === 0) return 'special'
      return embedded === 1 ? 'loopback' : scopeOfIpv4(embedded)
    }
  }
  // NAT64 (well-known and local-use prefixes) and 6to4 carry an IPv4 address that a gateway unpacks.
  if (first === 0x64 && second === 0xff9b) return third === 1 ? 'private' : scopeOfIpv4(embedded)
  if (first === 0x2002) return scopeOfIpv4(((second << 16) | third) >>> 0)
  if ((first & 0xfe00) === 0xfc00) return 'private'
  if ((first & 0xffc0) === 0xfec0) return 'private'
  if ((first & 0xffc0) === 0xfe80 || (first & 0xff00) === 0xff00) return 'special'
  return 'public'
}

/**
 * Places a host as `URL.hostname` or a resolver writes it (brackets, zone index and a final dot are tolerated):
 * loopback (`localhost` and `*.localhost` included), private (RFC 1918, shared, unique local), special (unspecified,
 * link-local with its metadata services, multicast, reserved), public, or a name.
 *
 * @see RFC 6890
 */
export function addressScope(host: string): AddressScope {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/%.*$/u, '')
    .replace(/\.$/u, '')
  if (bare === 'localhost' || bare.endsWith('.localhost')) return 'loopback'
  const ipv4 = parseIpv4(bare)
  if (ipv4 !== undefined) return scopeOfIpv4(ipv4)
  if (!bare.includes(':')) return 'name'
  const ipv6 = parseIpv6(bare)
  // What looks like an address and is none cannot be placed, so it is nowhere we go.
  return ipv6 === undefined ? 'special' : scopeOfIpv6(ipv6)
}

/** True for 127.0.0.0/8, `::1`, `localhost` and `*.localhost`. */
export function isLoopbackHost(host: string): boolean {
  return addressScope(host) === 'loopback'
}
