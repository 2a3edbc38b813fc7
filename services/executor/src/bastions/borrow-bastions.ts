import type { LentCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { BastionStore } from './store.ts'

/** A bastion on a step's way, with what opens it. */
export interface LentBastion {
  name: string
  host: string
  port: number
  lent: LentCredential
}

/** The bastions of a step's `via` as they are now. Throws `step_failed` where one is not there (any more). */
export async function borrowBastions(
  bastions: Pick<BastionStore, 'findNamed'>,
  projectId: string,
  via: readonly string[],
  lend: (reference: string) => Promise<LentCredential>,
): Promise<LentBastion[]> {
  if (via.length === 0) return []
  const found = await bastions.findNamed(projectId, via)
  return Promise.all(
    via.map(async (wanted) => {
      const bastion = found.find(({ name }) => name === wanted)
      if (bastion === undefined)
        throw new AppError('step_failed', `The project has no bastion ${wanted.slice(0, 100)} (any more).`)
      const { name, host, port, credential } = bastion
      return { name, host, port, lent: await lend(credential) }
    }),
  )
}
