import { findWayEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  checkedConnector,
  connectionOf,
  createProjectTrust,
  createReach,
  httpError,
  type Reach,
  readBody,
} from '@opsconductor/reach'
import { Agent, request } from 'undici'
import type { Deps } from '../deps.ts'

export interface OutboundRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** https, without credentials in it. */
  url: string
  headers?: Record<string, string>
  body?: string
  signal: AbortSignal
}

export interface OutboundAnswer {
  status: number
  /** By lower-case names. */
  headers: Record<string, string>
  text: string
}

/** HTTPS for one piece of work of a project's; `close` it when that is done. */
export interface Outbound {
  /** For what is no HTTPS. */
  reach: Reach
  /**
   * One exchange; a redirect is an answer. Throws `outbound_denied`, `target_unreachable`, `step_timeout`,
   * `target_answer_too_large`, or the signal's reason.
   */
  send(outgoing: OutboundRequest): Promise<OutboundAnswer>
  close(): Promise<void>
}

export interface OutboundOptions {
  projectId: string
  /** PEM of authorities that are trusted beside the public ones and the project's. */
  authorities?: readonly string[]
  /** Of the credential that is sent: the hosts and the CA bundles that it is limited to, as `limitsOf` has them. */
  limits?: { hosts: readonly (readonly string[])[]; caBundles: readonly (readonly string[])[] }
  answerBytesMax?: number
  /** For a whole exchange. */
  timeoutMs?: number
}

/** To where the project's outbound policy lets connections go, at addresses that were checked. */
export async function openOutbound(
  deps: Pick<Deps, 'internal' | 'resolve' | 'trustLookup' | 'log'>,
  options: OutboundOptions,
): Promise<Outbound> {
  const { projectId, authorities = [], limits = { hosts: [], caBundles: [] } } = options
  const { answerBytesMax = 1_048_576, timeoutMs = 30_000 } = options
  const { policy } = await deps.internal.call(findWayEndpoint, { project_id: projectId, via: [] })
  const reach = createReach({ projectId, policy, resolve: deps.resolve, limitsHosts: limits.hosts })
  const trust = createProjectTrust(
    { internal: deps.internal, lookup: deps.trustLookup, onNotReported: () => {} },
    projectId,
    limits.caBundles,
  )
  const trusted = await trust.authorities({ tls: { verify: true } })
  const agents = new Map<string, Agent>()

  function agentFor(host: string): Agent {
    const versionMin = reach.tlsVersionMin(host)
    const bundles = [...trusted.bundles, ...authorities]
    const tls = { versionMin, verify: true, authorities: { ...trusted, bundles }, certificate: undefined }
    const known = agents.get(versionMin)
    const agent =
      known ?? new Agent({ connect: checkedConnector(reach, connectionOf({}, tls)), connections: 8 })
    agents.set(versionMin, agent)
    return agent
  }

  return {
    reach,
    async send({ method, url, headers: sent = {}, body, signal }) {
      const target = httpsUrl(url)
      reach.assertCredentialMayGoTo(target.hostname)
      const timeout = AbortSignal.timeout(timeoutMs)
      const within = AbortSignal.any([signal, timeout])
      try {
        const answer = await request(target, {
          dispatcher: agentFor(target.hostname),
          method,
          headers: { 'user-agent': 'OpsConductor', 'accept-encoding': 'identity', ...sent },
          body: body ?? null,
          signal: within,
        })
        const headers = flat(answer.headers)
        const chunks: Uint8Array[] = []
        for await (const chunk of readBody(answer.body, headers['content-encoding'], answerBytesMax))
          chunks.push(chunk)
        return { status: answer.statusCode, headers, text: Buffer.concat(chunks).toString('utf8') }
      } catch (error) {
        signal.throwIfAborted()
        if (timeout.aborted)
          throw new AppError('step_timeout', 'The target did not answer in time.', {
            internal: { host: target.host },
          })
        throw httpError(error, within)
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

function httpsUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw new AppError('outbound_denied', 'Only https URLs without credentials in them are called.')
  return url
}

const flat = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
