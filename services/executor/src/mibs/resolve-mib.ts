import type { ResolvedMib, ResolveMib } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { ExecutorDeps } from '../deps.ts'
import { fullName, toOid } from './to-oid.ts'

/** What an OID is called, or which a name means, and what the MIB says of it. Throws `validation_failed`. */
export async function resolveMib(
  { mibsOf }: Pick<ExecutorDeps, 'mibsOf'>,
  projectId: string,
  { oid: given, name }: z.infer<typeof ResolveMib>,
): Promise<ResolvedMib> {
  const tree = await mibsOf(projectId)
  const oid = toOid(tree, given ?? name ?? '')
  const found = tree.find(oid)
  const node = found?.node
  return {
    oid,
    name: found === undefined ? null : fullName(found.node, found.suffix),
    module: node?.module ?? null,
    object: node?.name ?? null,
    suffix: found?.suffix ?? `.${oid}`,
    type: node?.type ?? null,
    convention: node?.convention ?? null,
    access: node?.access ?? null,
    display_hint: node?.displayHint ?? null,
    labels: [...(node?.labels ?? [])].map(([value, label]) => ({ value, label })),
  }
}
