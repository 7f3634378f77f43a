export { type Listener, type ListenOptions, listen } from './node/listen.ts'
export type { PreRegisteredClient } from './testing/authorization-state.ts'
export type { Decision } from './testing/authorize-endpoint.ts'
export type { Fault, FaultPoint } from './testing/faults.ts'
export { fetchFromHandler, type RequestHandler } from './testing/handler-fetch.ts'
export { DEFAULT_TOOLS, type ToolScopes } from './testing/mcp-endpoint.ts'
export {
  createMisbehavingServer,
  type MisbehavingServer,
  type MisbehavingServerOptions,
} from './testing/misbehaving-server.ts'
export {
  type CheckedAuthenticationMethod,
  type Misbehaviours,
  type ServerMetadataDocument,
  WELL_BEHAVED,
} from './testing/misbehaviours.ts'
export type { RecordedRequest, Step, StepVariant } from './testing/recording.ts'
export type { TestAuthorizer, TestAuthorizerOptions } from './testing/test-authorizer.ts'
export { storeContract, type StoreContractCase, type StoreContractWorld } from './testing/store-contract.ts'
export { connectInMemory, createTransportPair, type InMemoryOptions } from './testing/in-memory.ts'
