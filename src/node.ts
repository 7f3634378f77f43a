export {
  createBrowserAuthorizer,
  type AuthorizationPrompt,
  type BrowserAuthorizerOptions,
} from './node/browser-authorizer.ts'
export { connect, type ConnectOptions } from './node/connect.ts'
export { dataDirectory, type DataDirectorySurroundings } from './node/data-directory.ts'
export { createDataKey, createKeyFile, type DataKey, type DataKeyOptions, type DataKeySource } from './node/data-key.ts'
export { createDefaultSession, createDefaultStore, type DefaultSessionOptions } from './node/default-session.ts'
export {
  detectEnvironment,
  portForwardCommand,
  type Environment,
  type EnvironmentSurroundings,
} from './node/environment.ts'
export { createFileStore, type FileStoreOptions } from './node/file-store.ts'
export { readIssuerExceptions } from './node/issuer-exceptions-file.ts'
export { createKeychain, type Keychain, type KeychainOptions } from './node/keychain.ts'
export { createNetworkFetch, type NetworkOptions } from './node/network-fetch.ts'
export { openBrowser, type OpenBrowserOptions } from './node/open-browser.ts'
export { type EnvironmentVariables, proxyFor } from './node/proxy-environment.ts'
export { createHostResolver, resolveHost } from './node/resolve-host.ts'
export { skillsDirectory, type SkillsDirectoryOptions } from './node/skills-directory.ts'
export { tokenFromEnvironment, tokenFromFile, tokenFromGitHubActions } from './node/token-source.ts'
export type { ClientCertificate } from './node/tls-contexts.ts'
export { type RunningServer, serve, type ServeOptions } from './node/serve.ts'
export { type NodeHandler, toNodeHandler } from './node/to-node-handler.ts'
