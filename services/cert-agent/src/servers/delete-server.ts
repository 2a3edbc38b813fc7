import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { StoredServer } from './store.ts'

/** Its virtual hosts and deployments are forgotten with it; what is on the host stays there. */
export async function deleteServer(
  deps: Pick<Deps, 'servers' | 'audit'>,
  server: StoredServer,
  by: string,
  force: boolean,
): Promise<void> {
  const { id, projectId, name, host } = server
  if (!(await deps.servers.remove({ projectId, id }, force)))
    throw new AppError(
      'conflict',
      'Certificates are live on this server. Deploy them elsewhere first, or delete it with ?force=true.',
    )
  await deps.audit.record({
    ...{ projectId, actor: by, action: 'server.delete', outcome: 'succeeded', serverId: id },
    detail: { name, host, force },
  })
}
