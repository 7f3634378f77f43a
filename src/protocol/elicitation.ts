import type { NotificationParams, RequestParams, Result } from './message.ts'

interface FieldSchema {
  readonly title?: string
  readonly description?: string
}

/** A text field. */
export interface StringSchema extends FieldSchema {
  readonly type: 'string'
  readonly minLength?: number
  readonly maxLength?: number
  readonly format?: 'email' | 'uri' | 'date' | 'date-time'
  /** Since 2025-11-25. */
  readonly default?: string
}

/** A number field. */
export interface NumberSchema extends FieldSchema {
  readonly type: 'number' | 'integer'
  readonly minimum?: number
  readonly maximum?: number
  /** Since 2025-11-25. */
  readonly default?: number
}

/** A yes-or-no field. */
export interface BooleanSchema extends FieldSchema {
  readonly type: 'boolean'
  readonly default?: boolean
}

/** One value to display under a title. */
export interface TitledOption {
  readonly const: string
  readonly title: string
}

/** A choice of one, without titles. */
export interface UntitledSingleSelectEnumSchema extends FieldSchema {
  readonly type: 'string'
  readonly enum: readonly string[]
  readonly default?: string
}

/** A choice of one, with titles. Since 2025-11-25. */
export interface TitledSingleSelectEnumSchema extends FieldSchema {
  readonly type: 'string'
  readonly oneOf: readonly TitledOption[]
  readonly default?: string
}

/** A choice of several, without titles. Since 2025-11-25. */
export interface UntitledMultiSelectEnumSchema extends FieldSchema {
  readonly type: 'array'
  readonly items: { readonly type: 'string'; readonly enum: readonly string[] }
  readonly minItems?: number
  readonly maxItems?: number
  readonly default?: readonly string[]
}

/** A choice of several, with titles. Since 2025-11-25. */
export interface TitledMultiSelectEnumSchema extends FieldSchema {
  readonly type: 'array'
  readonly items: { readonly anyOf: readonly TitledOption[] }
  readonly minItems?: number
  readonly maxItems?: number
  readonly default?: readonly string[]
}

/** A choice of one, with titles as a parallel array. The only titled form in 2025-06-18; deprecated since. */
export interface LegacyTitledEnumSchema extends FieldSchema {
  readonly type: 'string'
  readonly enum: readonly string[]
  readonly enumNames?: readonly string[]
  readonly default?: string
}

/** A choice of one. */
export type SingleSelectEnumSchema = UntitledSingleSelectEnumSchema | TitledSingleSelectEnumSchema

/** A choice of several. Since 2025-11-25. */
export type MultiSelectEnumSchema = UntitledMultiSelectEnumSchema | TitledMultiSelectEnumSchema

/** A choice. */
export type EnumSchema = SingleSelectEnumSchema | MultiSelectEnumSchema | LegacyTitledEnumSchema

/** One field of a form. */
export type PrimitiveSchemaDefinition = StringSchema | NumberSchema | BooleanSchema | EnumSchema

/** Asks the user to fill in a form. Since 2025-06-18. */
export interface ElicitRequestFormParams extends RequestParams {
  /** Since 2025-11-25; absent means `form`. */
  readonly mode?: 'form'
  readonly message: string
  readonly requestedSchema: {
    readonly type: 'object'
    readonly $schema?: string
    readonly properties: Readonly<Record<string, PrimitiveSchemaDefinition>>
    readonly required?: readonly string[]
  }
}

/** Asks the user to open a URL. Since 2025-11-25. */
export interface ElicitRequestURLParams extends RequestParams {
  readonly mode: 'url'
  readonly message: string
  readonly url: string
  /** Only in 2025-11-25, and required there. */
  readonly elicitationId?: string
}

/** Parameters of `elicitation/create`. */
export type ElicitRequestParams = ElicitRequestFormParams | ElicitRequestURLParams

/** The server asks the user: a request of its own until 2025-11-25, an input request since. */
export interface ElicitRequest {
  readonly method: 'elicitation/create'
  readonly params: ElicitRequestParams
}

/** What the user said. */
export interface ElicitResult extends Result {
  /** `decline` is an explicit no; `cancel` is no answer. */
  readonly action: 'accept' | 'decline' | 'cancel'
  /** The form, when it was accepted. Arrays since 2025-11-25. */
  readonly content?: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

/** Parameters of `notifications/elicitation/complete`. Only in 2025-11-25. */
export interface ElicitationCompleteNotificationParams extends NotificationParams {
  readonly elicitationId: string
}
