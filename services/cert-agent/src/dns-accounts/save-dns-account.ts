import type { CreateDnsAccount, UpdateDnsAccount } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import { resolveCredential } from '../credentials/resolve-credential.ts'
import type { Deps } from '../deps.ts'
import type { DnsProvider } from '../dns-providers/define-dns-provider.ts'
import { dnsProviders } from '../dns-providers/index.ts'
import { unknownDnsAccount } from './find-dns-account.ts'
import type { StoredDnsAccount } from './store.ts'
import { validateSettings } from './validate-settings.ts'

type Needed = Pick<Deps, 'dnsAccounts' | 'internal' | 'audit'>

export async function createDnsAccount(
  deps: Needed,
  projectId: string,
  by: string,
  { name, provider: providerId, settings, credential }: z.infer<typeof CreateDnsAccount>,
): Promise<StoredDnsAccount> {
  const provider = dnsProviders.get(providerId)
  if (provider === undefined)
    throw invalidField('body.provider', `must be one of ${[...dnsProviders.keys()].join(', ')}`)
  const fields = {
    ...{ name, provider: provider.id },
    settings: validateSettings(provider, settings),
    credentialId: await resolve(deps, projectId, provider, credential),
  }
  const account = await deps.dnsAccounts.insert(projectId, fields, by)
  await record(deps, account, by, 'dns-account.create')
  return account
}

/** Operations under way go on with what they began with. */
export async function updateDnsAccount(
  deps: Needed,
  { id, projectId, provider: providerId }: StoredDnsAccount,
  by: string,
  { name, settings, credential }: z.infer<typeof UpdateDnsAccount>,
): Promise<StoredDnsAccount> {
  const provider = dnsProviders.get(providerId)
  if (provider === undefined) throw new Error(`there is no DNS provider ${providerId} (any more)`)
  const account = await deps.dnsAccounts.update(
    { projectId, id },
    {
      name,
      settings: settings === undefined ? undefined : validateSettings(provider, settings),
      credentialId:
        credential === undefined ? undefined : await resolve(deps, projectId, provider, credential),
    },
  )
  if (account === undefined) throw unknownDnsAccount()
  await record(deps, account, by, 'dns-account.update')
  return account
}

async function resolve(
  deps: Needed,
  projectId: string,
  { credentials }: DnsProvider,
  reference: string | null,
): Promise<string> {
  if (reference === null)
    throw invalidField('body.credential', `is missing: one of type ${credentials.join(' or ')}`)
  return resolveCredential(deps, projectId, { reference, path: 'body.credential', taken: credentials })
}

const record = ({ audit }: Needed, account: StoredDnsAccount, by: string, action: string) =>
  audit.record({
    ...{ projectId: account.projectId, actor: by, action, outcome: 'succeeded' as const },
    detail: {
      dns_account_id: account.id,
      name: account.name,
      provider: account.provider,
      credential_id: account.credentialId,
    },
  })
