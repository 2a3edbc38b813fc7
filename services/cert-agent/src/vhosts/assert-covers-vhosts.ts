import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { findUncovered } from './find-uncovered.ts'

/** A certificate for the names is for every name of the virtual hosts of `body.vhost_ids`. Throws `validation_failed`. */
export async function assertCoversVhosts(
  { vhosts }: Pick<Deps, 'vhosts'>,
  certificateNames: readonly string[],
  vhostIds: readonly string[],
): Promise<void> {
  const known = new Map((await vhosts.findAll(vhostIds)).map((vhost) => [vhost.id, vhost]))
  const errors = vhostIds.flatMap((id, index) => {
    const names = known.get(id)?.names ?? []
    const uncovered = findUncovered(certificateNames, names)
    if (uncovered === undefined) return []
    return [
      {
        path: `body.vhost_ids[${index}]`,
        message: `has the name ${names[uncovered]}, which the certificate is not for`,
      },
    ]
  })
  if (errors.length === 0) return
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new AppError('validation_failed', detail.slice(0, 1_000), { errors: errors.slice(0, 20) })
}
