import { AppError } from '@opsconductor/errors'
import {
  type Connection,
  clientCertificateOf,
  connectionOf,
  type HeldCredential,
  type ProjectTrust,
  type Reach,
} from '@opsconductor/reach'
import { exchange, type HttpAnswer, type HttpExchange, type HttpRequest } from './exchange.ts'
import type { HttpClients } from './http-clients.ts'

interface SendOnceOf {
  httpClients: HttpClients
  reach: Reach
  trust: ProjectTrust
  clientCertificate: HeldCredential | undefined
  signal: AbortSignal
  record(exchange: HttpExchange): void
}

/** One exchange, over a connection that the project's policy and trust and the step's credentials allow. */
export async function sendOnce(of: SendOnceOf, outgoing: HttpRequest): Promise<HttpAnswer> {
  if (!outgoing.isAnonymous) of.reach.assertCredentialMayGoTo(outgoing.url.hostname)
  const connection = await chooseConnection(of, outgoing)
  return exchange(of.httpClients.clientFor(of.reach, connection), outgoing, of.signal, of.record)
}

async function chooseConnection(
  { reach, trust, clientCertificate }: SendOnceOf,
  { url, connection = {}, isAnonymous = false }: HttpRequest,
): Promise<Connection> {
  if (url.port === '0')
    throw new AppError('validation_failed', 'The URL names port 0, which nothing listens on.')
  const { verify = true } = connection
  const isPlain = url.protocol !== 'https:'
  const authorities = await trust.authorities({ tls: isPlain ? undefined : { verify }, isAnonymous })
  if (isPlain) return connectionOf(connection, undefined)
  return connectionOf(connection, {
    versionMin: connection.isTls13Only ? 'TLSv1.3' : reach.tlsVersionMin(url.hostname),
    verify,
    authorities,
    certificate:
      clientCertificate === undefined || isAnonymous ? undefined : clientCertificateOf(clientCertificate),
  })
}
