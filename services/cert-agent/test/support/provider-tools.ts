import { type HeldCredential, limitsOf } from '@opsconductor/reach'
import { SecretValue } from '@opsconductor/redact'
import type { DnsProvider, ProviderTools, TxtRecord } from '../../src/dns-providers/define-dns-provider.ts'
import { openOutbound } from '../../src/outbound/open-outbound.ts'
import type { Outside } from './outside.ts'

export interface ProviderUse {
  provider: DnsProvider
  settings: Record<string, unknown>
  credential: { type: string; secret: Record<string, string>; extra?: Record<string, unknown> }
  now?: () => Date
  signal?: AbortSignal
}

/** A DNS provider as the solver uses it: under the project's outbound policy, for one change at a time. */
export function useProvider(outside: Pick<Outside, 'deps' | 'projectId'>, use: ProviderUse) {
  const { provider, credential, now = () => new Date(), signal = new AbortController().signal } = use
  const held: HeldCredential = {
    ...{ id: 'tested', type: credential.type, extra: credential.extra ?? {}, http: null },
    secret: Object.fromEntries(
      Object.entries(credential.secret).map(([name, text]) => [name, new SecretValue(text)]),
    ),
  }
  const settings = provider.settings.parse(use.settings)
  async function withTools(work: (tools: ProviderTools<unknown>) => Promise<void>): Promise<void> {
    const outbound = await openOutbound(outside.deps, { projectId: outside.projectId, limits: limitsOf() })
    try {
      await work({ settings, credential: held, outbound, now, signal })
    } finally {
      await outbound.close()
    }
  }
  return {
    withTools,
    present: (record: TxtRecord) => withTools((tools) => provider.presentTxt(record, tools)),
    remove: (record: TxtRecord) => withTools((tools) => provider.removeTxt(record, tools)),
  }
}
