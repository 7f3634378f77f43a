import { OAuthError } from '../errors.ts'
import type { ClientMetadata, ClientPrivateKey, GrantStrategy, PreRegisteredClient } from '../grant-strategy.ts'
import { assertClientIdMetadataDocumentUrl } from '../protocol/client-id-metadata.ts'
import { assertPrivateKey } from '../protocol/signing-key.ts'

/** Which client a person logs in with. */
export interface PersonClientOptions {
  /** A client registered beforehand; wins over everything else. */
  readonly client?: PreRegisteredClient
  /** https URL of a client-id metadata document, used where the authorization server supports them. */
  readonly clientMetadataUrl?: string
  /** Its public half is in that document, which then says `private_key_jwt`. */
  readonly clientMetadataKey?: ClientPrivateKey
  /** The only authorization server that may be used. Default: the one that the MCP server names. */
  readonly issuer?: string
  /** What the client says about itself when it registers. */
  readonly clientMetadata?: ClientMetadata
  /**
   * For an authorization server that registers only clients with one (RFC 7591 §3); never stored or shown. It goes to the authorization
   * server that the MCP server names, but to no second one: give `issuer`, too, to say which.
   */
  readonly initialAccessToken?: string
}

/**
 * Checks which client a person logs in with, and gives that part of a grant.
 *
 * @throws {OAuthError} `client_metadata_url_invalid`, `configuration`
 */
export function readPersonClient(options: PersonClientOptions): Pick<GrantStrategy, keyof PersonClientOptions> {
  const { client, clientMetadataUrl, clientMetadataKey, issuer, clientMetadata, initialAccessToken } = options
  if (clientMetadataUrl !== undefined) assertClientIdMetadataDocumentUrl(clientMetadataUrl)
  if (client && client.clientId.trim() === '') {
    throw new OAuthError('configuration', 'The client id is empty.', { step: 'client identity' })
  }
  for (const key of [client?.privateKey, clientMetadataKey]) if (key) assertPrivateKey(key)
  return {
    ...(client && { client }),
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    ...(clientMetadataKey && { clientMetadataKey }),
    ...(issuer !== undefined && { issuer }),
    ...(clientMetadata && { clientMetadata }),
    ...(initialAccessToken !== undefined && { initialAccessToken }),
  }
}
