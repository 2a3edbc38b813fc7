import { AppError } from '@opsconductor/errors'
import type { SshPool } from '@opsconductor/ssh'
import type { HeldCredential } from './held-credential.ts'
import type { ProjectTrust } from './project-trust.ts'
import type { Reach } from './reach.ts'
import type { SshAccess } from './ssh-access.ts'
import { routeTo } from './ssh-route.ts'

interface SshAccessOf {
  sshPool: SshPool
  credential: HeldCredential | undefined
  reach: Reach
  trust: ProjectTrust
  signal: AbortSignal
}

export function createSshAccess({ sshPool, credential, reach, trust, signal }: SshAccessOf): SshAccess {
  return async ({ host, port }, work) => {
    if (credential === undefined) throw new AppError('step_failed', 'The step needs an SSH credential.')
    reach.assertCredentialMayGoTo(host)
    const { key, open } = await routeTo({
      ...{ host, port, credential, trust, wayKey: reach.key },
      openSocket: (connecting) => reach.connect(host, port, connecting),
    })
    return sshPool.use(key, open, signal, work)
  }
}
