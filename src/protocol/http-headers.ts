/** The revision of a request. Since 2025-06-18. Header names are in lower case. */
export const PROTOCOL_VERSION_HEADER = 'mcp-protocol-version'

/** The session. From 2025-03-26 to 2025-11-25. */
export const SESSION_ID_HEADER = 'mcp-session-id'

/** The method of a request. Since 2026-07-28. */
export const METHOD_HEADER = 'mcp-method'

/** What the request is about: the tool's or prompt's name, the resource's URI. Since 2026-07-28. */
export const NAME_HEADER = 'mcp-name'
