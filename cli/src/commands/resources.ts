import type { Client } from 'latchkey/client'
import { byteSize } from '../byte-size.ts'
import type { CommandContext, CommandOptions } from '../command-context.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { printJson } from '../json-output.ts'
import { isInteractive } from '../io.ts'
import { listAll } from '../listing.ts'
import { type ListedEntry, listingText } from '../listing-text.ts'
import { orNothing } from '../missing-feature.ts'
import { withClient } from '../open-client.ts'
import { readTarget } from '../server-target.ts'

/** The options of `latchkey resources`. */
export interface ResourcesOptions extends CommandOptions {
  readonly templates?: boolean
}

/**
 * `latchkey resources`: the resources of a server and its templates. As JSON it is one result object, as the protocol has one for each:
 * the resources, or with `--templates` the templates.
 */
export async function resources(
  context: CommandContext,
  words: readonly string[],
  options: ResourcesOptions,
): Promise<ExitCode> {
  const { io, terminal } = context
  const { target } = readTarget(context.options, words)
  return withClient(context, { target, interactive: isInteractive(io) }, async (client, { signal, remember }) => {
    const { progress } = terminal
    const wantsBoth = options.json !== true
    const listed =
      options.templates === true
        ? undefined
        : await progress.during('Listing resources', () => listResources(client, signal))
    if (listed) await remember({ resources: listed.resources })
    const templates =
      options.templates === true || wantsBoth
        ? await progress.during('Listing resource templates', () => listTemplates(client, signal))
        : undefined
    if (!wantsBoth) {
      printJson(io, listed ?? templates)
      return EXIT.done
    }
    const entries = [
      ...(listed?.resources ?? []).map(resourceEntry),
      ...(templates?.resourceTemplates ?? []).map(({ uriTemplate, ...rest }) => ({
        ...resourceEntry({ ...rest, uri: uriTemplate }),
        name: uriTemplate,
      })),
    ]
    if (entries.length > 0) io.stdout.write(listingText(entries, terminal.dataStyle))
    else terminal.say(`This server offers no ${options.templates === true ? 'resource templates' : 'resources'}.`)
    return EXIT.done
  })
}

function listResources(client: Client, signal: AbortSignal) {
  return orNothing(client.serverCapabilities.resources, { resources: [] }, () =>
    listAll('resources', page => client.listResources({ ...page, signal })),
  )
}

/** Servers that offer resources do not always know of templates. */
function listTemplates(client: Client, signal: AbortSignal) {
  return orNothing(undefined, { resourceTemplates: [] }, () =>
    listAll('resourceTemplates', page => client.listResourceTemplates({ ...page, signal })),
  )
}

function resourceEntry(resource: {
  readonly uri: string
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly mimeType?: string
  readonly size?: number
}): ListedEntry {
  const { uri, name, title = name, description, mimeType, size } = resource
  return {
    name: uri,
    about: description ?? (title === uri ? undefined : title),
    facts: [
      ...(description !== undefined && title !== uri ? [title] : []),
      ...(mimeType === undefined ? [] : [mimeType]),
      ...(size === undefined ? [] : [byteSize(size)]),
    ],
  }
}
