import * as oauth from 'oauth4webapi'
import { approve } from '../../demo/src/scripted-user.ts'
import { ENTERPRISE_SSO_CLIENT, REDIRECT_URI } from './machine-clients.ts'

const insecure = { [oauth.allowInsecureRequests]: true }

/** Logs a person in at the enterprise's identity provider, with another library; resolves to the ID token. */
export async function singleSignOn(issuer: string): Promise<string> {
  const identifier = new URL(issuer)
  const server = await oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, insecure))
  const client = { client_id: ENTERPRISE_SSO_CLIENT.clientId }
  const authentication = oauth.ClientSecretBasic(ENTERPRISE_SSO_CLIENT.clientSecret)
  const verifier = oauth.generateRandomCodeVerifier()
  const url = new URL(server.authorization_endpoint!)
  url.search = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT_URI,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const page = await approve(url, { stopAt: REDIRECT_URI })
  const parameters = oauth.validateAuthResponse(server, client, new URL(page.url), oauth.expectNoState)
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    authentication,
    parameters,
    REDIRECT_URI,
    verifier,
    insecure,
  )
  const { id_token: idToken } = await oauth.processAuthorizationCodeResponse(server, client, response)
  return idToken!
}
