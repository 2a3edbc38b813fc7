import { forgetTold, notify } from '../notifications/notify.ts'
import type { WishedDeployment } from './store.ts'

type Needed = Parameters<typeof notify>[0]

/** Once for each version that does not go live, however often it is tried. */
export async function tellFailure(
  deps: Needed,
  wished: WishedDeployment,
  code: string,
  isRolledBack: boolean,
) {
  const { id, projectId, certificateName, serverName, desiredVersion: version } = wished
  const kind = isRolledBack ? 'deployment_rolled_back' : 'deployment_failed'
  const outcome = isRolledBack ? 'It was rolled back: the version before is served.' : 'It is tried again.'
  await notify(deps, {
    ...{ projectId, kind, key: `${kind}:${id}:failed:${version}` },
    title: `Certificate ${certificateName} is not live on ${serverName}`,
    text: `Version ${version} of the certificate ${certificateName} could not be deployed to ${serverName}. ${outcome}`,
    facts: { deployment_id: id, certificate: certificateName, server: serverName, version, code },
  })
}

export const forgetFailure = (deps: Needed, { id, projectId }: WishedDeployment): Promise<void> =>
  forgetTold(deps, projectId, `deployment_failed:${id}:`, `deployment_rolled_back:${id}:`)
