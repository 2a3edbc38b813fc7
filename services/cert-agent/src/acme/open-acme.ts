import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import type { Client } from 'acme-client'
import type { z } from 'zod'
import { Authorization, Directory, Order } from './answers.ts'
import { endsAt } from './ends-at.ts'
import type { Identifier } from './identifiers.ts'
import { type AcmeDeps, openTransport } from './open-transport.ts'
import { notAcme, type Transport } from './transport.ts'

export interface AcmeOptions {
  projectId: string
  directoryUrl: string
  account: {
    /** PEM. */
    key: SecretValue
    /** Undefined: it is not registered yet. */
    url?: string | undefined
    /** RFC 8555 section 7.3.4. */
    external?: { kid: string; hmacKey: SecretValue } | undefined
  }
  /** The common name of the authority at which a certificate's chain should end, where the CA has several. */
  preferredChain?: string | null | undefined
  signal: AbortSignal
}

export interface NewOrder {
  identifiers: Identifier[]
  profile?: string | undefined
  /** RFC 9773 section 5: the id of the certificate that it takes the place of. */
  replaces?: string | undefined
}

/** One account at one CA, for one piece of work. What the CA refuses is thrown as `problemError` has it. */
export type Acme = Awaited<ReturnType<typeof openAcme>>

export async function openAcme(deps: AcmeDeps, options: AcmeOptions) {
  const { projectId, directoryUrl, account, preferredChain = null, signal } = options
  const transport = await openTransport(deps, { projectId, signal })
  const { client, getDirectory } = await createClient(directoryUrl, account, transport.request)

  /** What acme-client makes of an answer that is no ACME is an error of its own. */
  const read = async <Schema extends z.ZodType>(
    schema: Schema,
    ask: () => Promise<unknown>,
  ): Promise<z.infer<Schema>> => {
    const answer = schema.safeParse(await asked(ask))
    if (answer.success) return answer.data
    throw notAcme()
  }
  const asked = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask()
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof AppError ? error : notAcme(error)
    }
  }

  const downloadAt = async (url: string | undefined): Promise<string> => {
    const given = await asked(() => client.getCertificate({ ...validOrder, certificate: url }))
    if (typeof given === 'string') return given
    throw notAcme()
  }

  return {
    directory: () => read(Directory, getDirectory),
    /** Registers the account's key, or finds the account that has it. Answers its URL. */
    async register(contactEmail: string | null): Promise<string> {
      const contact = contactEmail === null ? [] : [`mailto:${contactEmail}`]
      await asked(() => client.createAccount({ termsOfServiceAgreed: true, contact }))
      const url = await asked(async () => client.getAccountUrl())
      if (URL.parse(url)?.protocol !== 'https:') throw notAcme()
      return url
    },
    async changeContact(contactEmail: string | null): Promise<void> {
      await asked(() =>
        client.updateAccount({ contact: contactEmail === null ? [] : [`mailto:${contactEmail}`] }),
      )
    },
    /** It takes no orders from then on, for ever (RFC 8555 section 7.3.6). */
    async deactivate(): Promise<void> {
      await asked(() => client.updateAccount({ status: 'deactivated' }))
    },
    createOrder: (order: NewOrder): Promise<Order> => read(Order, () => client.createOrder(order)),
    // acme-client asks for nothing but its URL.
    order: (url: string): Promise<Order> =>
      read(Order, () => client.getOrder({ url } as Parameters<typeof client.getOrder>[0])),
    authorization: (url: string): Promise<Authorization> =>
      read(Authorization, async () => {
        const only = { authorizations: [url] } as Parameters<typeof client.getAuthorizations>[0]
        return (await client.getAuthorizations(only))[0]
      }),
    /** RFC 8555 section 8.1, the same for every type of challenge. */
    keyAuthorization: (token: string): Promise<string> =>
      asked(() =>
        client.getChallengeKeyAuthorization({ type: 'http-01', token, url: '', status: 'pending' }),
      ),
    async answerChallenge(url: string): Promise<void> {
      await asked(() => client.completeChallenge({ type: 'http-01', token: '', url, status: 'pending' }))
    },
    finalize: (order: Order, csrPem: string): Promise<Order> =>
      read(Order, () => client.finalizeOrder(order as Parameters<typeof client.finalizeOrder>[0], csrPem)),
    /** PEM: the certificate and its chain, the preferred one where the CA has it. */
    async download({ certificate: url }: Order): Promise<string> {
      const usual = await downloadAt(url)
      if (preferredChain === null || endsAt(usual, preferredChain)) return usual
      for (const alternate of transport.alternatesOf(url ?? '')) {
        const other = await downloadAt(alternate)
        if (endsAt(other, preferredChain)) return other
      }
      return usual
    },
    /** `reason`: RFC 5280 section 5.3.1. */
    async revoke(certificatePem: string, reason: number): Promise<void> {
      await asked(() => client.revokeCertificate(certificatePem, { reason }))
    },
    waitOf: transport.waitOf,
    close: transport.close,
  }
}

/** acme-client asks for nothing of an order but that it is valid, and its certificate's URL. */
const validOrder = { status: 'valid' } as Parameters<Client['getCertificate']>[0]

async function createClient(
  directoryUrl: string,
  { key, url, external }: AcmeOptions['account'],
  request: Transport,
) {
  // Loaded where it is used, for all that it brings along.
  const { Client } = await import('acme-client')
  const client = new Client({
    directoryUrl,
    accountKey: key.reveal(),
    ...(url === undefined ? {} : { accountUrl: url }),
    ...(external === undefined
      ? {}
      : { externalAccountBinding: { kid: external.kid, hmacKey: external.hmacKey.reveal() } }),
  })
  // It has no option for this (5.4.0): every request of its own goes through this one method.
  const { http } = client as unknown as { http: { getDirectory(): Promise<unknown> } }
  Object.assign(http, { request, maxBadNonceRetries: 20 })
  return { client, getDirectory: () => http.getDirectory() }
}
