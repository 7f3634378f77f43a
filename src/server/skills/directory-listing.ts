import type { Resource } from '../../protocol/resources.ts'
import { DIRECTORY_MIME_TYPE } from '../../protocol/skills.ts'
import { directoryOf, lastSegmentOf, toSkillUri } from './skill-path.ts'

/** The direct children of every directory that leads to one of the files, by its URI (without a slash at its end). */
export function listDirectories(
  files: Iterable<{ readonly path: string; readonly resource: Resource }>,
): ReadonlyMap<string, readonly Resource[]> {
  const directories = new Map<string, Resource[]>()
  const enter = (path: string, child: Resource): void => {
    const directory = directoryOf(path)
    if (!directory) return
    const uri = toSkillUri(directory)
    const children = directories.get(uri)
    children?.push(child)
    if (children) return
    directories.set(uri, [child])
    enter(directory, { uri, name: lastSegmentOf(directory), mimeType: DIRECTORY_MIME_TYPE })
  }
  for (const { path, resource } of files) enter(path, resource)
  return directories
}
