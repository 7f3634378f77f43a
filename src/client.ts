export { Client } from './client/client.ts'
export { DEFAULT_CLIENT_INFO } from './client/client-info.ts'
export { type ClientGroup, connectGroup, type GroupTool } from './client/client-group.ts'
export { completeForm } from './client/elicitation-form.ts'
export { choicesOf } from './protocol/elicitation-form.ts'
export type {
  FormElicitationHandler,
  InteractionContext,
  InteractionHandlers,
  SamplingHandler,
  UrlElicitationHandler,
} from './client/interaction.ts'
export type { ClientMiddleware, ClientRequestCall, NextRequest } from './client/middleware.ts'
export { type ClientOptions, openClient } from './client/open-client.ts'
export type { ListOptions, RequestOptions } from './client/request-options.ts'
export { type LoadedSkill, type Skills, skillsOf } from './client/skills.ts'
export type { Change, Subscription, WantedChanges } from './client/subscriptions.ts'
export type { TaskHandle } from './client/tasks.ts'
export type { ClientTransport } from './client/transport.ts'
export { connect, type ConnectOptions } from './http/connect.ts'
export {
  type ChallengeDetail,
  RpcError,
  TransportError,
  type TransportErrorCode,
  type TransportErrorDetail,
} from './jsonrpc/errors.ts'
export type { JsonRpcMessage, JsonRpcNotification, JsonRpcRequest } from './jsonrpc/message.ts'
export type { SendOptions, Transport, TransportReceiver } from './jsonrpc/transport.ts'
export type { ClientCapabilities, ServerCapabilities } from './protocol/capabilities.ts'
export type {
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  ResourceLink,
  TextContent,
} from './protocol/content.ts'
export type { CompleteResult, PromptReference, ResourceTemplateReference } from './protocol/completion.ts'
export type {
  ElicitRequestFormParams,
  ElicitRequestURLParams,
  ElicitResult,
  PrimitiveSchemaDefinition,
} from './protocol/elicitation.ts'
export type { Icon, Implementation } from './protocol/implementation.ts'
export { LOGGING_LEVELS, type LoggingLevel } from './protocol/logging.ts'
export type { MetaObject } from './protocol/meta.ts'
export type { Progress } from './protocol/progress.ts'
export type { GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage } from './protocol/prompts.ts'
export type {
  BlobResourceContents,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  TextResourceContents,
} from './protocol/resources.ts'
export type { Root } from './protocol/roots.ts'
export type { CreateMessageRequestParams, CreateMessageResult, SamplingMessage } from './protocol/sampling.ts'
export { PROTOCOL_REVISIONS, type ProtocolRevision } from './protocol/revisions.ts'
export { SKILLS_EXTENSION, type Skill, type SkillResource } from './protocol/skills.ts'
export { TASKS_EXTENSION, type Task, type TaskStatus } from './protocol/tasks.ts'
export type { CallToolResult, ListToolsResult, Tool, ToolAnnotations } from './protocol/tools.ts'
export {
  BAGGAGE_META_KEY,
  TRACE_CONTEXT_META_KEYS,
  TRACEPARENT_META_KEY,
  TRACESTATE_META_KEY,
} from './protocol/trace-context.ts'
