import type { LentCredential } from '@opsconductor/contracts'
import { findWay } from './find-way.ts'
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
  const way = await findWay(bastions, projectId, via, 'step_failed')
  return Promise.all(
    way.map(async ({ name, host, port, credential }) => ({ name, host, port, lent: await lend(credential) })),
  )
}
