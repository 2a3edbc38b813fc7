import { cloudflare } from './cloudflare.ts'
import type { DnsProvider } from './define-dns-provider.ts'
import { rfc2136 } from './rfc2136.ts'
import { route53 } from './route53.ts'
import { webhook } from './webhook.ts'

export const dnsProviders: ReadonlyMap<string, DnsProvider> = new Map(
  [rfc2136, cloudflare, route53, webhook].map((provider) => [provider.id, provider]),
)
