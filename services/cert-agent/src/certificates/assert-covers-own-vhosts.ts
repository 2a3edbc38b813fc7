import { invalidField } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { findUncovered } from '../vhosts/find-uncovered.ts'

/** A version for these names could be served wherever the certificate is. Throws `validation_failed`, naming `path`. */
export async function assertCoversOwnVhosts(
  { certificates }: Pick<Deps, 'certificates'>,
  certificateId: string,
  names: readonly string[],
  path: string,
): Promise<void> {
  const served = await certificates.namesOfVhosts(certificateId)
  const uncovered = findUncovered(names, served)
  if (uncovered !== undefined)
    throw invalidField(
      path,
      `leaves out ${served[uncovered]}, under which a virtual host serves the certificate`,
    )
}
