/** Whether a value is nested deeper than `limit` levels; one that contains itself is. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (limit <= 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(item, limit - 1)) return true
    return false
  }
  for (const name in value) if (isDeeperThan((value as Record<string, unknown>)[name], limit - 1)) return true
  return false
}

/** Whether a value holds more than `limit` values, itself included. */
export function isLargerThan(value: unknown, limit: number): boolean {
  const rest = [value]
  for (let count = 1; rest.length > 0; count += 1) {
    if (count > limit) return true
    const each = rest.pop()
    if (typeof each === 'object' && each !== null) for (const member of Object.values(each)) rest.push(member)
  }
  return false
}

/** Whether a keyword stands anywhere in a schema. */
export function mentions(node: unknown, keyword: string): boolean {
  if (Array.isArray(node)) return node.some(each => mentions(each, keyword))
  if (typeof node !== 'object' || node === null) return false
  return Object.hasOwn(node, keyword) || Object.values(node).some(each => mentions(each, keyword))
}
