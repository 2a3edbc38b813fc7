import { AppError } from '@opsconductor/errors'
import { isOid } from '../snmp/oid.ts'
import type { MibNode, MibTree } from './mib-tree.ts'

const namePattern =
  /^(?:([A-Za-z][A-Za-z0-9_-]{0,127})::)?([A-Za-z][A-Za-z0-9_-]{0,127})((?:\.\d{1,10}){0,128})$/

/** The OID in numbers that a text means: `1.3.6.1.2.1.1.5.0`, `sysName.0`, `IF-MIB::ifDescr.1`. Throws `validation_failed`. */
export function toOid(tree: MibTree, text: string): string {
  const plain = text.startsWith('.') ? text.slice(1) : text
  if (isOid(plain)) return plain
  const [, module, name, suffix = ''] = namePattern.exec(text) ?? []
  if (name === undefined) throw refuse(text, 'is neither an OID nor a name like IF-MIB::ifDescr.1')
  const nodes = tree.named(name, module)
  const [node, other] = nodes
  if (node === undefined) throw refuse(text, 'is not known: is its MIB module loaded?')
  if (other !== undefined)
    throw refuse(text, `is ambiguous: write ${nodes.map((one) => `${one.module}::${one.name}`).join(' or ')}`)
  const oid = node.oid + suffix
  if (!isOid(oid)) throw refuse(text, 'is not an OID: it is too long, or a part of it too large')
  return oid
}

const refuse = (text: string, why: string) =>
  new AppError('validation_failed', `${JSON.stringify(text.slice(0, 100))} ${why.slice(0, 500)}.`)

export const fullName = ({ module, name }: MibNode, suffix: string): string => `${module}::${name}${suffix}`
