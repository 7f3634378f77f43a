/** Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The names a person may have meant by `typed`, closest first; at most `limit`. Names that contain it count as close. */
export function closestNames(typed: string, names: readonly string[], limit = 3): readonly string[] {
  const wanted = typed.toLowerCase().slice(0, 100)
  return names
    .map(name => {
      const candidate = name.toLowerCase().slice(0, 100)
      const contained = wanted.length > 2 && (candidate.includes(wanted) || wanted.includes(candidate))
      return { name, distance: contained ? 0.5 : editDistance(wanted, candidate) }
    })
    .filter(({ distance }) => distance <= Math.max(1, Math.ceil(wanted.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map(({ name }) => name)
}
