import type { ResolvedSyntax } from './resolve-syntax.ts'

/** What a MIB module says of one place in the tree of OIDs. */
export interface MibNode extends Partial<ResolvedSyntax> {
  oid: string
  module: string
  name: string
  access: string | undefined
}

export interface MibTree {
  /** The node at the OID or the nearest above it; `suffix` is the rest, as in `.1`. */
  find(oid: string): { node: MibNode; suffix: string } | undefined
  /** All nodes of the name, at different OIDs: without a module there may be several. */
  named(name: string, module?: string): MibNode[]
}

export function createMibTree(nodes: readonly MibNode[]): MibTree {
  const byOid = new Map<string, MibNode>()
  const byName = new Map<string, MibNode[]>()
  const byFullName = new Map<string, MibNode>()
  for (const node of nodes) {
    if (!byOid.has(node.oid)) byOid.set(node.oid, node)
    byFullName.set(`${node.module}::${node.name}`, node)
    const same = byName.get(node.name)
    if (same === undefined) byName.set(node.name, [node])
    else if (!same.some(({ oid }) => oid === node.oid)) same.push(node)
  }
  return {
    find(oid) {
      for (let end = oid.length; end > 0; end = oid.lastIndexOf('.', end - 1)) {
        const node = byOid.get(oid.slice(0, end))
        if (node !== undefined) return { node, suffix: oid.slice(end) }
      }
      return undefined
    },
    named(name, module) {
      if (module === undefined) return byName.get(name) ?? []
      const node = byFullName.get(`${module}::${name}`)
      return node === undefined ? [] : [node]
    },
  }
}
