import type { MibModule } from './parse-module.ts'

export interface Found<Definition> {
  /** Where it is defined. */
  module: MibModule
  definition: Definition
}

/**
 * What a name means in a module: its own definition, the one it imports, or one of a module that it imports other things
 * from, which is how many vendors' modules are written.
 */
export type FindDefinition<Definition> = (module: MibModule, name: string) => Found<Definition> | undefined

/** Each name is looked for once in each module: thousands of objects may name a type that stands 200 imports away. */
export function createFindDefinition<Definition>(
  byName: ReadonlyMap<string, MibModule>,
  definitionsOf: (module: MibModule) => ReadonlyMap<string, Definition>,
): FindDefinition<Definition> {
  const known = new Map<MibModule, Map<string, Found<Definition> | undefined>>()
  return (module, name) => {
    const names = known.get(module) ?? new Map<string, Found<Definition> | undefined>()
    known.set(module, names)
    if (!names.has(name)) names.set(name, lookUp(module, name))
    return names.get(name)
  }

  function lookUp(module: MibModule, name: string): Found<Definition> | undefined {
    for (const place of [module.name, module.imports.get(name), ...module.importsFrom]) {
      const in_ = place === undefined ? undefined : byName.get(place)
      const definition = in_ && definitionsOf(in_).get(name)
      if (in_ !== undefined && definition !== undefined) return { module: in_, definition }
    }
    return undefined
  }
}
