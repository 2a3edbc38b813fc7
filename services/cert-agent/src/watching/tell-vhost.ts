import type { Deps } from '../deps.ts'
import type { NotificationKind } from '../notifications/kinds.ts'
import { forgetTold, notify } from '../notifications/notify.ts'
import type { VhostState } from './judge-vhost.ts'
import type { ServedWire } from './served-wire.ts'
import type { WatchedVhost } from './store.ts'

const kindOf: Partial<Record<VhostState, NotificationKind>> = {
  expired: 'certificate_expired',
  expiring: 'certificate_expiring',
  mismatch: 'vhost_mismatch',
  unreachable: 'vhost_unreachable',
}

interface Change {
  former: VhostState
  state: VhostState
  served: ServedWire | undefined
}

/** Tells once of each trouble, and anew once it has gone and come back. */
export async function tellVhost(
  deps: Pick<Deps, 'notifications'>,
  vhost: WatchedVhost,
  { former, state, served }: Change,
): Promise<void> {
  const { id, projectId } = vhost
  const kind = kindOf[state]
  // Where nothing was seen, nothing was seen to be over.
  if (former !== state && state !== 'unreachable') {
    const over = Object.values(kindOf).filter((one) => one !== kind)
    await forgetTold(deps, projectId, ...over.map((one) => `${one}:${id}:`))
  }
  if (kind === undefined || !isToBeTold(vhost, { former, state, served })) return
  const name = vhost.names[0] ?? ''
  await notify(deps, {
    ...{ projectId, kind, key: `${kind}:${id}:${state}:${served?.serial ?? '-'}` },
    title: `${name} on ${vhost.serverName}: ${titles[state]}`,
    text: textOf(name, vhost, state, served),
    facts: {
      ...{ vhost_id: id, server_id: vhost.serverId, server: vhost.serverName, name, state },
      ...(served === undefined ? {} : { serial: served.serial, not_after: served.not_after }),
    },
  })
}

/** Nobody asked for what was only found; one probe in vain is no outage; and of a managed certificate's end more is known. */
function isToBeTold({ certificateId, discovered }: WatchedVhost, { former, state }: Change): boolean {
  if (discovered && certificateId === null) return false
  if (state === 'unreachable') return former === 'unreachable'
  return state !== 'expiring' || certificateId === null
}

const titles: Partial<Record<VhostState, string>> = {
  expired: 'an expired certificate is served',
  expiring: 'the certificate expires soon',
  mismatch: 'the wrong certificate is served',
  unreachable: 'it cannot be reached',
}

function textOf(
  name: string,
  { serverName, port }: WatchedVhost,
  state: VhostState,
  served: ServedWire | undefined,
): string {
  const where = `${name} (port ${port}) on the server ${serverName}`
  if (served === undefined) return `${where} could not be reached over TLS twice in a row.`
  const reasons = served.reasons.length === 0 ? '' : ` ${served.reasons.join(' ')}`
  return `${where}: ${titles[state]}; what is served ends at ${served.not_after}.${reasons}`
}
