import { promises } from 'node:dns'
import { AppError } from '@opsconductor/errors'

/** What DNS says of a name. Each throws `target_unreachable` where nobody answers, or the signal's reason. */
export interface DnsLookup {
  /** Each value whole. */
  txt(name: string): Promise<string[]>
  /** In lower case, without a dot at its end; undefined where the name is itself. */
  cname(name: string): Promise<string | undefined>
  nameServers(name: string): Promise<string[]>
}

const timeoutMs = 3_000
const absent = new Set(['ENODATA', 'ENOTFOUND', 'NODATA', 'NOTFOUND'])

/** `servers`: as `address` or `address:port`; left out: the system's resolvers. */
export function createDnsLookup(servers: readonly string[] | undefined, signal: AbortSignal): DnsLookup {
  const resolver = new promises.Resolver({ timeout: timeoutMs, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)

  async function ask<Answer>(question: Promise<Answer[]>): Promise<Answer[]> {
    const stop = () => resolver.cancel()
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await question
    } catch (error) {
      signal.throwIfAborted()
      const code = String((error as { code?: unknown }).code)
      if (absent.has(code)) return []
      throw new AppError('target_unreachable', 'The DNS servers gave no answer.', { internal: { code } })
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  return {
    txt: async (name) => (await ask(resolver.resolveTxt(name))).map((parts) => parts.join('')),
    async cname(name) {
      const [target] = await ask(resolver.resolveCname(name))
      return target?.toLowerCase().replace(/\.$/, '')
    },
    nameServers: (name) => ask(resolver.resolveNs(name)),
  }
}
