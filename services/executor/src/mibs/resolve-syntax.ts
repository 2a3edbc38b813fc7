import type { FindDefinition } from './find-definition.ts'
import type { MibModule, MibType } from './parse-module.ts'
import type { Syntax } from './parse-syntax.ts'

export interface ResolvedSyntax {
  /** What it is on the wire: one of the base types, or what is not known to be one. */
  type: string
  /** As it was written: `DisplayString`. */
  convention: string
  labels: ReadonlyMap<number, string> | undefined
  displayHint: string | undefined
}

/** What has a tag of its own, though some modules define them in others' terms. */
const baseTypes = new Set([
  'INTEGER',
  'Integer32',
  'OCTET STRING',
  'OBJECT IDENTIFIER',
  'BITS',
  'IpAddress',
  'NetworkAddress',
  'Counter',
  'Counter32',
  'Counter64',
  'Gauge',
  'Gauge32',
  'Unsigned32',
  'TimeTicks',
  'Opaque',
  'SEQUENCE',
])
const conventionsMax = 20

/** Follows textual conventions down to the type on the wire; the outermost label and hint count. */
export function resolveSyntax(
  findType: FindDefinition<MibType>,
  module: MibModule,
  written: Syntax,
): ResolvedSyntax {
  let syntax = written
  let from = module
  let { labels } = written
  let displayHint: string | undefined
  for (let depth = 0; depth < conventionsMax && !baseTypes.has(syntax.type); depth++) {
    const found = findType(from, syntax.type)
    if (found === undefined) break
    displayHint ??= found.definition.displayHint
    syntax = found.definition.syntax
    labels ??= syntax.labels
    from = found.module
  }
  return { type: syntax.type, convention: written.type, labels, displayHint }
}
