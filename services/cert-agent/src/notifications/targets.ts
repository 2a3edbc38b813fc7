import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { NotifierOptions } from '@opsconductor/notify'
import { caOf, limitsOf } from '@opsconductor/reach'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import { type Outbound, openOutbound } from '../outbound/open-outbound.ts'
import { openWay, type WayDeps } from '../servers/open-way.ts'
import type { Settings } from './store.ts'

export type TargetDeps = WayDeps & Pick<Deps, 'internal' | 'resolve' | 'trustLookup' | 'log'>

export interface TellingOf {
  projectId: string
  /** Under which credentials are borrowed: the notification's. */
  loanId: string
  signal: AbortSignal
}

/** One that a notification goes to. */
export interface Target {
  /** The same for the same receiver, and free of secrets. */
  id: string
  /** How it is reached; what is opened for that is put into `outbounds`. */
  open(of: TellingOf, outbounds: Outbound[]): Promise<NotifierOptions>
}

const idOf = (kind: string, receiver: string): string =>
  `${kind}:${createHash('sha256').update(receiver).digest('hex').slice(0, 32)}`

export const targetsOf = (deps: TargetDeps, { webhooks, chats, emails }: Settings): Target[] => [
  ...webhooks.map((webhook) => ({
    id: idOf('webhook', webhook.url),
    open: (of: TellingOf, outbounds: Outbound[]) => openWebhook(deps, webhook, of, outbounds),
  })),
  ...chats.map(({ credential }) => ({
    id: idOf('chat', credential),
    open: (of: TellingOf, outbounds: Outbound[]) => openChat(deps, credential, of, outbounds),
  })),
  ...(emails?.to ?? []).map((to) => ({
    id: idOf('email', to),
    open: (of: TellingOf) => openEmail(deps, { to, credential: emails?.credential ?? '' }, of),
  })),
]

const borrow = (
  deps: TargetDeps,
  reference: string,
  type: string,
  { projectId, loanId, signal }: TellingOf,
) => borrowCredential(deps, { projectId, operationId: loanId, reference, taken: [type] }, signal)

async function openWebhook(
  deps: TargetDeps,
  { url, credential }: Settings['webhooks'][number],
  of: TellingOf,
  outbounds: Outbound[],
): Promise<NotifierOptions> {
  const lent = credential === null ? undefined : await borrow(deps, credential, 'webhook_secret', of)
  return {
    webhooks: [{ url, secret: lent?.secret.secret }],
    post: await openPost(deps, of.projectId, limitsOf(lent), outbounds),
  }
}

/** The credential's only secret, or that of the name `url`, is the address. */
async function openChat(
  deps: TargetDeps,
  credential: string,
  of: TellingOf,
  outbounds: Outbound[],
): Promise<NotifierOptions> {
  const lent = await borrow(deps, credential, 'custom', of)
  const values = Object.values(lent.secret)
  const url = lent.secret.url ?? (values.length === 1 ? values[0] : undefined)
  if (url === undefined || !URL.canParse(url))
    throw new AppError('step_failed', "The chat's credential holds no address under the name url.")
  return { webhooks: [{ url }], post: await openPost(deps, of.projectId, limitsOf(lent), outbounds) }
}

async function openPost(
  deps: TargetDeps,
  projectId: string,
  limits: ReturnType<typeof limitsOf>,
  outbounds: Outbound[],
): Promise<NotifierOptions['post']> {
  const outbound = await openOutbound(deps, { projectId, limits, answerBytesMax: 65_536 })
  outbounds.push(outbound)
  return (request) => outbound.send({ method: 'POST', ...request })
}

async function openEmail(
  deps: TargetDeps,
  { to, credential }: { to: string; credential: string },
  of: TellingOf,
): Promise<NotifierOptions> {
  const lent = await borrow(deps, credential, 'smtp', of)
  const { projectId, loanId: operationId, signal } = of
  const { reach, trust } = await openWay(deps, { projectId, operationId, via: [], credential: lent, signal })
  // As the broker's type smtp has it.
  const { host, port, security, username } = lent.extra as {
    host: string
    port: number
    security: 'tls' | 'starttls' | 'none'
    username: string
  }
  reach.assertCredentialMayGoTo(host)
  const authorities = await trust.authorities({ tls: security === 'none' ? undefined : { verify: true } })
  const server = {
    ...{ host, port, security, username, password: lent.secret.password ?? '' },
    ca: caOf(authorities),
    connect: (connecting: AbortSignal) => reach.connect(host, port, connecting),
  }
  return { emails: [{ to, server }] }
}
