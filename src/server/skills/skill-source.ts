/** A file that a source has. */
export interface SkillFile {
  /** Relative, its segments separated by `/`: `pdf-processing/references/FORMS.md`. The directory of a SKILL.md is a skill. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /**
   * Another one for other contents. As long as it stays, a file is not read again to know its digest. Absent: it is read for every list.
   */
  readonly version?: string | undefined
  /** Why it cannot be served, and what to do about it. Every skill that it belongs to is left out. */
  readonly problem?: string
}

/** What was read of a file. */
export interface SkillFileContent {
  readonly bytes: Uint8Array
  /** Of these very bytes, in the words of {@link SkillFile.version}. */
  readonly version?: string | undefined
}

/** How a file is to be read. */
export interface SkillReadOptions {
  /** A larger file is refused, before it is read. */
  readonly maxBytes: number
  readonly signal?: AbortSignal
}

/** Where skills come from: a directory (`skillsDirectory` of `latchkey/node`), an archive, a database. */
export interface SkillSource {
  /** Every file there is, as of now; at most 100 000. Files that lie in no skill are passed over. */
  list(options?: { readonly signal?: AbortSignal }): Promise<readonly SkillFile[]>
  /**
   * Reads one file, whole. Undefined: there is none of that path. Paths are those that `list` gave.
   *
   * @throws {Error} the file is larger than `maxBytes`, or must not be read
   */
  read(path: string, options: SkillReadOptions): Promise<SkillFileContent | undefined>
}
