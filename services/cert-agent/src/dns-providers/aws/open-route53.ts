import { Readable } from 'node:stream'
import type { Route53Client, Route53ClientConfig } from '@aws-sdk/client-route-53'
import { AppError } from '@opsconductor/errors'
import type { OutboundRequest } from '../../outbound/open-outbound.ts'
import type { ProviderTools } from '../define-dns-provider.ts'
import { providerFailure } from '../provider-failure.ts'

type Tools = ProviderTools<{ endpoint?: string | undefined }>

/** The SDK's own region of all of Route 53; the credential may say another partition's. */
const defaultRegion = 'us-east-1'

const maxAttempts = 5

/** Amazon's client, whose requests go our own way. The SDK is loaded by the first use: it costs memory and time. */
export async function openRoute53(tools: Tools): Promise<Route53Client> {
  const { secret, extra } = tools.credential
  if (typeof extra.access_key_id !== 'string' || secret.secret_access_key === undefined)
    throw new AppError('step_failed', 'The credential holds no AWS access key.')
  const { Route53Client } = await import('@aws-sdk/client-route-53')
  return new Route53Client({
    region: typeof extra.region === 'string' ? extra.region : defaultRegion,
    ...(tools.settings.endpoint === undefined ? {} : { endpoint: tools.settings.endpoint }),
    credentials: {
      accessKeyId: extra.access_key_id,
      secretAccessKey: secret.secret_access_key.reveal(),
      ...(secret.session_token === undefined ? {} : { sessionToken: secret.session_token.reveal() }),
    },
    // Route 53 takes five requests a second of an account: the SDK waits, longer each time, where it says so.
    maxAttempts,
    requestHandler: handlerOf(tools),
  })
}

interface AwsRequest {
  protocol: string
  hostname: string
  port?: number
  path: string
  query?: Record<string, string>
  method: string
  headers: Record<string, string>
  body?: string
}

function handlerOf({ outbound, signal }: Tools) {
  const handler = {
    async handle({ protocol, hostname, port, path, query = {}, method, headers, body }: AwsRequest) {
      const search = new URLSearchParams(query).toString()
      const { status, ...answer } = await outbound.send({
        method: method as OutboundRequest['method'],
        url: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search === '' ? '' : `?${search}`}`,
        headers: withoutHost(headers),
        ...(body === undefined ? {} : { body }),
        signal,
      })
      return {
        response: {
          statusCode: status,
          headers: answer.headers,
          body: Readable.from([Buffer.from(answer.text)]),
        },
      }
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  }
  // The SDK asks for its own response class, and then looks only at these three fields.
  return handler as unknown as NonNullable<Route53ClientConfig['requestHandler']>
}

/** undici says it itself, and as it was signed: the URL's. */
const withoutHost = ({ host: _, ...headers }: Record<string, string>) => headers

/** The SDK's texts are not passed on: they quote what was answered. */
export function route53Error(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof AppError) return error
  const { name = '', $metadata } = (error ?? {}) as { name?: string; $metadata?: { httpStatusCode?: number } }
  if ($metadata?.httpStatusCode === undefined || $metadata.httpStatusCode < 400)
    return new AppError('target_refused', 'Route 53 gave an answer that cannot be used.')
  const status = isThrottled(name) ? 429 : $metadata.httpStatusCode
  return providerFailure('Route 53', { status, headers: {}, code: name })
}

const isThrottled = (name: string) =>
  ['Throttling', 'ThrottlingException', 'PriorRequestNotComplete'].includes(name)
