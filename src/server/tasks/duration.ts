/** @throws {RangeError} it is not a positive whole number that a timer can take */
export function requireDuration(name: string, ms: number): void {
  const isUsable = Number.isInteger(ms) && ms > 0 && ms < 2 ** 31
  if (!isUsable) throw new RangeError(`${name} must be a whole number of milliseconds from 1 to 2147483647, not ${ms}`)
}
