const STEPS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
]

/** A length of time as one would say it, in one or two units: `1 hour 5 minutes`, `3 minutes`, `40 seconds`. */
export function durationText(durationMs: number): string {
  const exact = Math.max(0, Math.round(durationMs / 1_000))
  // From two minutes on nobody counts seconds.
  let rest = exact < 120 ? exact : Math.round(exact / 60) * 60
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
