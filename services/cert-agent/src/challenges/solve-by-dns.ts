import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import { type HeldCredential, holdCredential, limitsOf } from '@opsconductor/reach'
import type { z } from 'zod'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { commonSettings, DnsProvider, ProviderTools } from '../dns-providers/define-dns-provider.ts'
import { isWithin } from '../dns-providers/dns-name.ts'
import { dnsProviders } from '../dns-providers/index.ts'
import { openOutbound } from '../outbound/open-outbound.ts'
import { awaitTxt } from './await-txt.ts'
import { challengeName } from './challenge-name.ts'
import { createDnsLookup } from './dns-lookup.ts'
import type { ChallengeResponse } from './solver.ts'
import type { SolverDeps, SolverOf, Solving } from './solver-deps.ts'

/** An account with what opens it: borrowed once, so that it can be cleaned up after the operation too. */
export interface OpenDnsAccount {
  provider: DnsProvider
  settings: z.infer<z.ZodObject<typeof commonSettings>>
  credential: HeldCredential
  limits: ReturnType<typeof limitsOf>
}

export async function openDnsAccount(
  deps: Pick<SolverDeps, 'dnsAccounts' | 'internal'>,
  { projectId, operationId }: SolverOf,
  id: string,
  signal: AbortSignal,
): Promise<OpenDnsAccount> {
  const account = await deps.dnsAccounts.find(projectId, id)
  const provider = dnsProviders.get(account?.provider ?? '')
  if (account?.credentialId == null || provider === undefined)
    throw new AppError('step_failed', 'The DNS account of the challenge does not exist (any more).')
  const lent = await borrowCredential(
    deps,
    { projectId, operationId, reference: account.credentialId, taken: provider.credentials },
    signal,
  )
  const settings = provider.settings.safeParse(account.settings)
  if (!settings.success)
    throw new AppError('step_failed', 'The settings of the DNS account are not of its provider (any more).')
  return {
    provider,
    settings: settings.data as OpenDnsAccount['settings'],
    credential: holdCredential(lent),
    limits: limitsOf(lent),
  }
}

type WithTools = (
  account: OpenDnsAccount,
  signal: AbortSignal,
  work: (tools: ProviderTools<unknown>) => Promise<void>,
) => Promise<void>

/** A TXT record by a provider's API. `account` and `place` are found once for all that is done with a name. */
export function solveByDns(
  deps: SolverDeps,
  { projectId }: Pick<SolverOf, 'projectId'>,
  {
    name,
    alias,
    open,
  }: { name: string; alias: string | null; open(signal: AbortSignal): Promise<OpenDnsAccount> },
  { keyAuthorization }: ChallengeResponse,
): Solving {
  const value = createHash('sha256').update(keyAuthorization).digest('base64url')
  const resolvers = deps.config.DNS_RESOLVERS
  let found: string | undefined

  async function placeFor({ zones }: OpenDnsAccount['settings'], signal: AbortSignal): Promise<string> {
    found ??= await challengeName(name, alias, createDnsLookup(resolvers, signal))
    const place = found
    if (zones === undefined || zones.some((zone) => isWithin(place, zone))) return place
    throw new AppError(
      'target_refused',
      `The TXT record of ${name} belongs at ${place}, outside the zones of its DNS account.`,
    )
  }

  const withTools: WithTools = async ({ credential, settings, limits }, signal, work) => {
    const outbound = await openOutbound(deps, { projectId, limits })
    try {
      await work({ settings, credential, outbound, now: deps.now, signal })
    } finally {
      await outbound.close()
    }
  }

  const change = async (
    what: 'presentTxt' | 'removeTxt',
    signal: AbortSignal,
    before: (place: string) => Promise<void> = async () => {},
  ) => {
    const account = await open(signal)
    const fqdn = await placeFor(account.settings, signal)
    await before(fqdn)
    await withTools(account, signal, (tools) => account.provider[what]({ fqdn, value }, tools))
  }

  return {
    present: (signal, remember) => change('presentTxt', signal, remember),
    async visible(signal) {
      const account = await open(signal)
      const fqdn = await placeFor(account.settings, signal)
      const secondsMax = account.settings.wait_seconds_max
      await withTools(account, signal, ({ outbound: { reach }, now }) =>
        awaitTxt({ fqdn, value, secondsMax, resolvers, reach, now, signal }),
      )
    },
    cleanUp: (signal) => change('removeTxt', signal),
  }
}
