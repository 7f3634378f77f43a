const METHOD_NOT_FOUND = -32601

/** What `list` resolves to, or `nothing` where the server neither declares the feature nor knows the method. */
export async function orNothing<Result>(
  declared: unknown,
  nothing: Result,
  list: () => Promise<Result>,
): Promise<Result> {
  try {
    return await list()
  } catch (error) {
    const unknown =
      error instanceof Error && error.name === 'RpcError' && 'code' in error && error.code === METHOD_NOT_FOUND
    if (unknown && declared === undefined) return nothing
    throw error
  }
}
