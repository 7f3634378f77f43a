/** One page of anything. */
interface Page {
  readonly nextCursor?: string
}

/**
 * Yields the pages of a list until the server gives no cursor, an empty one, or one that it gave before: several servers repeat
 * theirs for ever, or say "no more" with an empty string.
 */
export async function* paginate<P extends Page>(
  fetchPage: (cursor: string | undefined) => Promise<P>,
  start?: string,
): AsyncGenerator<P, void, void> {
  const seen = new Set<string>()
  for (let cursor = start; ; ) {
    if (cursor !== undefined) seen.add(cursor)
    const page = await fetchPage(cursor)
    yield page
    cursor = page.nextCursor
    if (cursor === undefined || cursor === '' || seen.has(cursor)) return
  }
}
