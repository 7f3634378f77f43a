export { RpcError } from './jsonrpc/errors.ts'
export { type AppOptions, createApp, type ServerApp } from './http/server/app.ts'
export type { HttpRequest, HttpResponse, StreamSink } from './http/server/http-message.ts'
export type { SessionOptions } from './http/server/session-registry.ts'
export type { Transport } from './jsonrpc/transport.ts'
export type { ClientCapabilities, ServerCapabilities } from './protocol/capabilities.ts'
export type { ContentBlock } from './protocol/content.ts'
export type { Icon, Implementation } from './protocol/implementation.ts'
export type { LoggingLevel } from './protocol/logging.ts'
export type { GetPromptResult, PromptMessage } from './protocol/prompts.ts'
export type { ReadResourceResult, Resource } from './protocol/resources.ts'
export type { Root } from './protocol/roots.ts'
export type { CreateMessageRequestParams, CreateMessageResult } from './protocol/sampling.ts'
export type { CallToolResult, Tool, ToolAnnotations } from './protocol/tools.ts'
export {
  type AnswerTo,
  type Answers,
  type Ask,
  type Asks,
  elicit,
  elicitUrl,
  listRoots,
  type NeedInput,
  needInput,
  sample,
} from './server/asks.ts'
export type { AuthInfo, RequiredScopes } from './server/auth-info.ts'
export type { CallingClient, ServerCall } from './server/call.ts'
export type { Complete, CompletionContext } from './server/completion.ts'
export { type ServeConnectionOptions, type ServerConnection, serveConnection } from './server/connection.ts'
export { audio, embeddedResource, image, resourceLink, text } from './server/content.ts'
export type { AskingContext, RequestContext, ToolContext, TraceContext } from './server/context.ts'
export { ResourceNotFoundError, ToolError } from './server/errors.ts'
export type { Extension, ExtensionSubscription, ListenToExtension, MethodHandler } from './server/extension.ts'
export type { NextCall, ServerMiddleware } from './server/middleware.ts'
export type {
  PromptArgumentOptions,
  PromptArguments,
  PromptHandler,
  PromptOptions,
  PromptReturn,
} from './server/prompt.ts'
export type { Registration } from './server/registry.ts'
export type {
  ResourceHandler,
  ResourceOptions,
  ResourceReturn,
  ResourceTemplateHandler,
  ResourceTemplateOptions,
} from './server/resource.ts'
export type { AsksContext } from './server/round.ts'
export type { JsonSchema } from './schema/json-schema.ts'
export type { InferOutput, SchemaInput } from './server/schema.ts'
export type { TemplateVariables } from './server/template-variables.ts'
export { createMemoryStateClaim } from './server/state-claim.ts'
export type { StateClaim } from './server/sealed-state.ts'
export { createServer } from './server/create-server.ts'
export type { ErrorOrigin, Server, ServerInternals, ServerOptions } from './server/server.ts'
export type { TaskContext, TaskOptions, TaskRunner, TaskStart, TaskWork } from './server/task-runner.ts'
export { type SkillsOptions, skills } from './server/skills/skills.ts'
export type { SkillFile, SkillFileContent, SkillReadOptions, SkillSource } from './server/skills/skill-source.ts'
export { type TasksOptions, tasks } from './server/tasks/tasks.ts'
export { createMemoryTaskStore, type MemoryTaskStoreOptions } from './server/tasks/memory-task-store.ts'
export type { TaskRecord } from './server/tasks/task-record.ts'
export type { TaskStore, VersionedTask } from './server/tasks/task-store.ts'
export type { ToolHandler, ToolOptions, ToolReturn } from './server/tool.ts'
