/** The most pages that are read from one server. */
const MAX_PAGES = 1_000

interface Page {
  readonly nextCursor?: string
}

/**
 * Every page of a list as one result object: a single page exactly as it came, several with the items under `member` joined. Ends at an
 * absent, empty or repeated cursor.
 */
export async function listAll<
  Member extends string,
  Item,
  Result extends Page & Readonly<Record<Member, readonly Item[]>>,
>(
  member: Member,
  fetchPage: (options: { readonly cursor?: string }) => Promise<Result>,
): Promise<Omit<Result, 'nextCursor'>> {
  const { nextCursor, ...first } = await fetchPage({})
  const items = [...(first as unknown as Result)[member]]
  const seen = new Set<string>()
  let cursor = nextCursor
  while (cursor !== undefined && cursor !== '' && !seen.has(cursor) && seen.size < MAX_PAGES) {
    seen.add(cursor)
    const page = await fetchPage({ cursor })
    items.push(...page[member])
    cursor = page.nextCursor
  }
  return { ...first, [member]: items }
}
