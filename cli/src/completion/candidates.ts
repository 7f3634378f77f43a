import type { Command, Option } from 'commander'
import { splitWords } from '../shell-words.ts'
import { type CachedName, type CachedServer, serverKey } from './offer-cache.ts'

/** One way to go on, with a few words about it. */
export interface Candidate {
  /** The whole word. One that ends in `=` wants a value. */
  readonly value: string
  readonly about?: string
}

/** What can stand in the place of the last of `words`; `words` holds no program name. */
export function candidates(
  program: Command,
  servers: readonly CachedServer[],
  words: readonly string[],
): readonly Candidate[] {
  const current = words.at(-1) ?? ''
  const all = completions(program, servers, words.slice(0, -1), current)
  return all.filter(({ value }) => value.startsWith(current) && value !== '')
}

function completions(
  program: Command,
  servers: readonly CachedServer[],
  before: readonly string[],
  current: string,
): readonly Candidate[] {
  const { command, options, operands, pending } = readWords(program, before)
  if (pending) return (pending.argChoices ?? []).map(value => ({ value }))
  if (current.startsWith('-')) return optionCandidates(command, options)
  const subcommands = command.commands
  if (subcommands.length > 0) {
    return operands.length > 0 ? [] : subcommands.map(each => ({ value: each.name(), about: each.description() }))
  }
  if (command.name() === 'help')
    return program.commands.map(each => ({ value: each.name(), about: each.description() }))
  const choices = command.registeredArguments[operands.length]?.argChoices
  if (choices) return choices.map(value => ({ value }))
  const stdio = options.get('stdio')
  const takesServer = /^\[?<?server-url/.test(command.registeredArguments[0]?.name() ?? '')
  if (!takesServer) return []
  if (stdio === undefined && operands.length === 0) {
    return servers.flatMap(({ url }) => (url === undefined ? [] : [{ value: url }]))
  }
  const server = cachedServer(servers, stdio, operands[0])
  return server ? offered(command.name(), server, stdio === undefined ? operands.slice(1) : operands, current) : []
}

/** What a server offers to one command, at one place. */
function offered(
  command: string,
  server: CachedServer,
  operands: readonly string[],
  current: string,
): readonly Candidate[] {
  const [name, ...given] = operands
  if (command === 'read') return name === undefined ? (server.resources ?? []).map(value => ({ value })) : []
  const names = command === 'call' ? server.tools : command === 'prompt' ? server.prompts : undefined
  if (name === undefined) return (names ?? []).map(known => ({ value: known.name }))
  return argumentCandidates(
    names?.find(known => known.name === name),
    given,
    current,
  )
}

function argumentCandidates(
  known: CachedName | undefined,
  given: readonly string[],
  current: string,
): readonly Candidate[] {
  const all = known?.arguments ?? []
  const equals = current.indexOf('=')
  if (equals > 0) {
    const argument = all.find(({ name }) => name === current.slice(0, equals))
    return (argument?.values ?? []).map(value => ({ value: `${argument?.name ?? ''}=${value}` }))
  }
  const used = new Set(given.map(word => word.split('=')[0]))
  return all
    .filter(({ name }) => !used.has(name))
    .map(({ name, values }) => ({
      value: `${name}=`,
      ...(values && values.length > 0 && { about: values.join(' | ') }),
    }))
}

function optionCandidates(command: Command, given: ReadonlyMap<string, string | undefined>): readonly Candidate[] {
  return [...command.options, command.createOption('--help', 'show help')].flatMap(option => {
    const isUsed = given.has(option.attributeName()) && option.defaultValue === undefined
    return option.hidden || isUsed || option.long == null ? [] : [{ value: option.long, about: option.description }]
  })
}

interface ReadWords {
  readonly command: Command
  /** Values by the name under which commander keeps an option. */
  readonly options: ReadonlyMap<string, string | undefined>
  readonly operands: readonly string[]
  /** The option whose value comes next. */
  readonly pending: Option | undefined
}

function readWords(program: Command, words: readonly string[]): ReadWords {
  let command = program
  const options = new Map<string, string | undefined>()
  const operands: string[] = []
  let pending: Option | undefined
  let onlyOperands = false
  for (const word of words) {
    if (pending) {
      options.set(pending.attributeName(), word)
      pending = undefined
    } else if (!onlyOperands && word === '--') {
      onlyOperands = true
    } else if (!onlyOperands && word.startsWith('-') && word !== '-') {
      const equals = word.indexOf('=')
      const flag = equals < 0 ? word : word.slice(0, equals)
      const option = command.options.find(({ long, short }) => long === flag || short === flag)
      if (!option) continue
      options.set(option.attributeName(), equals < 0 ? undefined : word.slice(equals + 1))
      if (equals < 0 && option.required) pending = option
    } else {
      const next = operands.length === 0 ? command.commands.find(each => each.name() === word) : undefined
      if (next) command = next
      else operands.push(word)
    }
  }
  return { command, options, operands, pending }
}

function cachedServer(
  servers: readonly CachedServer[],
  stdio: string | undefined,
  url: string | undefined,
): CachedServer | undefined {
  if (stdio === undefined) {
    if (url === undefined) return undefined
    const { id } = serverKey({ kind: 'url', url })
    return servers.find(server => server.id === id)
  }
  const [command, ...args] = splitWords(stdio) ?? []
  if (command === undefined) return undefined
  const { id } = serverKey({ kind: 'stdio', typed: stdio, command, args })
  return servers.find(server => server.id === id)
}
