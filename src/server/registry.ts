/** One thing that was registered: a tool, a resource, a prompt. */
export interface Registration {
  /** Shows it again. */
  enable(): void
  /** Hides it: not listed, and unknown to whoever asks for it. */
  disable(): void
  /** Takes it away; its name is free again. */
  remove(): void
}

/** Things by name, in the order in which they were registered. */
export interface Registry<Entry> {
  /** @throws {TypeError} the name is taken */
  add(name: string, entry: Entry): Registration
  /** Undefined for one that is not there, or disabled. */
  get(name: string): Entry | undefined
  /** Those that are enabled. The array is the same until something changes. */
  readonly entries: readonly Entry[]
}

/** Makes a registry. `onChange` hears of every change of what is shown. */
export function createRegistry<Entry>(what: string, onChange: () => void): Registry<Entry> {
  const all = new Map<string, { readonly entry: Entry; enabled: boolean }>()
  let shown: readonly Entry[] | undefined

  const changed = (): void => {
    shown = undefined
    onChange()
  }
  return {
    add: (name, entry) => {
      if (all.has(name)) throw new TypeError(`There is already a ${what} named ${JSON.stringify(name)}`)
      const kept = { entry, enabled: true }
      all.set(name, kept)
      changed()
      const show = (enabled: boolean): void => {
        if (kept.enabled === enabled || all.get(name) !== kept) return
        kept.enabled = enabled
        changed()
      }
      return {
        enable: () => show(true),
        disable: () => show(false),
        remove: () => {
          if (all.get(name) !== kept) return
          all.delete(name)
          if (kept.enabled) changed()
        },
      }
    },
    get: name => {
      const kept = all.get(name)
      return kept?.enabled ? kept.entry : undefined
    },
    get entries() {
      shown ??= [...all.values()].filter(({ enabled }) => enabled).map(({ entry }) => entry)
      return shown
    },
  }
}
