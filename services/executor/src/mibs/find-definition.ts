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
export function findDefinition<Definition>(
  byName: ReadonlyMap<string, MibModule>,
  module: MibModule,
  name: string,
  of: (module: MibModule) => Definition | undefined,
): Found<Definition> | undefined {
  const places = [module.name, module.imports.get(name), ...module.importsFrom]
  for (const place of places) {
    const in_ = place === undefined ? undefined : byName.get(place)
    const definition = in_ && of(in_)
    if (in_ !== undefined && definition !== undefined) return { module: in_, definition }
  }
  return undefined
}
