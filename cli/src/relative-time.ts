const STEPS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
]

/** A length of time in its one or two largest units: `1 hour 5 minutes`, `40 seconds`. */
export function durationText(durationMs: number): string {
  let rest = Math.max(0, Math.round(durationMs / 1_000))
  const parts: string[] = []
  for (const [seconds, unit] of STEPS) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`)
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break
  }
  return parts.length > 0 ? parts.join(' ') : '0 seconds'
}

/** `in 5 minutes`, `3 days ago`. */
export function relativeTime(at: number, now: number): string {
  return at >= now ? `in ${durationText(at - now)}` : `${durationText(now - at)} ago`
}
