import { createFindDefinition, type FindDefinition } from './find-definition.ts'
import { MibFault } from './mib-fault.ts'
import { createMibTree, type MibNode, type MibTree } from './mib-tree.ts'
import type { MibModule, MibObject } from './parse-module.ts'
import type { OidPart } from './parse-oid.ts'
import { resolveSyntax } from './resolve-syntax.ts'

export interface LinkedModules {
  tree: MibTree
  /** By module: the first thing in it that does not hold together with the others. */
  faults: Map<string, MibFault>
}

/** An OID has 128 parts at most (RFC 2578 section 3.5), so a chain of parents that is longer goes in a circle or nowhere. */
const arcsMax = 128

const roots: ReadonlyMap<string, string> = new Map([
  ['ccitt', '0'],
  ['iso', '1'],
  ['joint-iso-ccitt', '2'],
])

/** Puts the modules together. Where two name one variable the earlier one's name stands. */
export function linkModules(modules: readonly MibModule[]): LinkedModules {
  const byName = new Map(modules.map((module) => [module.name, module]))
  const faults = new Map<string, MibFault>()
  const findObject = createFindDefinition(byName, ({ objects }) => objects)
  const findType = createFindDefinition(byName, ({ types }) => types)
  const oids = new Map<MibObject, string>()
  const nodes: MibNode[] = []
  for (const module of modules) {
    const missing = [...module.importsFrom].find((name) => !byName.has(name))
    if (missing !== undefined)
      faults.set(
        module.name,
        new MibFault(`${module.name} imports from ${missing}, which is not loaded: send that module first`),
      )
    for (const object of module.objects.values())
      try {
        const oid = oidOf(findObject, oids, module, object)
        const type = object.syntax && resolveSyntax(findType, module, object.syntax)
        nodes.push({ ...type, oid, module: module.name, name: object.name, access: object.access })
      } catch (error) {
        if (!(error instanceof MibFault)) throw error
        if (!faults.has(module.name)) faults.set(module.name, error)
      }
  }
  return { tree: createMibTree(nodes), faults }
}

function oidOf(
  findObject: FindDefinition<MibObject>,
  oids: Map<MibObject, string>,
  module: MibModule,
  object: MibObject,
): string {
  const chain: MibObject[] = []
  let at: { module: MibModule; definition: MibObject } | undefined = { module, definition: object }
  let prefix = ''
  while (at !== undefined) {
    const { definition, module: in_ }: { definition: MibObject; module: MibModule } = at
    const known = oids.get(definition)
    if (known !== undefined) {
      prefix = known
      break
    }
    chain.push(definition)
    if (chain.length > arcsMax)
      throw new MibFault(`${object.name} stands deeper than ${arcsMax}, or below itself`)
    at = parentOf(findObject, in_, definition)
  }
  for (const definition of chain.toReversed()) {
    prefix = place(definition, prefix)
    oids.set(definition, prefix)
  }
  return prefix
}

/** Where the first part leads; undefined where that is a number or a root, which has no parent. */
function parentOf(findObject: FindDefinition<MibObject>, module: MibModule, { name, oid }: MibObject) {
  const [first] = oid as [OidPart]
  if (first.name === undefined) return undefined
  const wanted = first.name
  const found = findObject(module, wanted)
  if (found === undefined && first.number === undefined && !roots.has(wanted))
    throw new MibFault(
      `${module.name} places ${name} below ${wanted}, which neither it nor a module it imports from defines`,
    )
  return found
}

function place({ name, oid }: MibObject, parent: string): string {
  const [first, ...rest] = oid as [OidPart, ...OidPart[]]
  const start = parent === '' ? (first.number ?? roots.get(first.name ?? '')) : parent
  const numbers = rest.map(({ number }) => {
    if (number === undefined) throw new MibFault(`A part of the OID of ${name} has no number`)
    return number
  })
  const arcs = [start, ...numbers].join('.')
  if (arcs.split('.').length > arcsMax)
    throw new MibFault(`The OID of ${name} has more than ${arcsMax} parts`)
  return arcs
}
