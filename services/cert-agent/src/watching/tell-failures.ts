import type { Deps } from '../deps.ts'
import { notify } from '../notifications/notify.ts'
import type { BlockedAccount, FailedCertificate } from './failure-store.ts'

type Needed = Pick<Deps, 'failures' | 'notifications' | 'now'>

/** Tells of what the CAs did not give us, once for each version: the next one has a key of its own. */
export async function tellFailures(deps: Needed): Promise<void> {
  for (const certificate of await deps.failures.certificates()) await tellCertificate(deps, certificate)
  for (const account of await deps.failures.accounts(deps.now())) await tellAccount(deps, account)
}

function tellCertificate(deps: Needed, certificate: FailedCertificate): Promise<void> {
  const { projectId, id, name, version, code, message } = certificate
  const isFirst = version === 0
  const kind = isFirst ? 'certificate_issue_failed' : 'certificate_renewal_failed'
  const what = isFirst ? 'could not be issued' : 'could not be renewed'
  return notify(deps, {
    ...{ projectId, kind, key: `${kind}:${id}:warning:v${version}` },
    title: `The certificate ${name} ${what}`,
    text: `The certificate ${name} ${what}: ${message.slice(0, 500)}`,
    facts: { certificate_id: id, certificate: name, version, code },
  })
}

function tellAccount(deps: Needed, { projectId, id, name, until }: BlockedAccount): Promise<void> {
  const ends = until.toISOString()
  return notify(deps, {
    ...{ projectId, kind: 'account_blocked', key: `account_blocked:${id}:warning:${ends.slice(0, 10)}` },
    title: `The CA of the account ${name} asks us to wait`,
    text: `The certificate authority of the account ${name} takes nothing from us before ${ends}.`,
    facts: { account_id: id, account: name, until: ends },
  })
}
