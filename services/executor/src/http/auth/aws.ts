import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import aws4 from 'aws4'
import { z } from 'zod'
import type { HttpRequest } from '../exchange.ts'

const Name = z
  .string()
  .max(64)
  .regex(/^[a-z0-9-]+$/, 'must be lower-case letters, digits and -')

export const awsFields = {
  aws_service: Name.optional().describe(
    'For a credential of type aws: the service that the request is signed for, as in s3. Known of hosts under amazonaws.com.',
  ),
  aws_region: Name.optional().describe("The region that it is signed for; the credential's own by default."),
}

interface SignedFor {
  aws_service?: string | undefined
  aws_region?: string | undefined
}

/** The request with an AWS Signature Version 4, over all its headers and its body. */
export function signForAws(
  request: HttpRequest,
  { aws_service, aws_region }: SignedFor,
  { secret, extra }: HeldCredential,
): HttpRequest {
  const { url, method, headers, body } = request
  const secretAccessKey = secret.secret_access_key?.reveal()
  const sessionToken = secret.session_token?.reveal()
  const { access_key_id: accessKeyId, region: ownRegion } = extra
  if (typeof accessKeyId !== 'string' || secretAccessKey === undefined)
    throw new AppError('step_failed', 'The credential lacks an access key.')
  const region = aws_region ?? (typeof ownRegion === 'string' ? ownRegion : undefined)
  if (aws_service === undefined && !/\.amazonaws\.com(?:\.cn)?$/.test(url.hostname))
    throw new AppError(
      'validation_failed',
      'input.aws_service is needed: the host does not name its service.',
    )
  const signed = aws4.sign(
    {
      method,
      host: url.host,
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host },
      body: body === undefined ? '' : typeof body === 'string' ? body : Buffer.from(body),
      ...(aws_service && { service: aws_service }),
      ...(region && { region }),
    },
    { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
  )
  return {
    ...request,
    // The library writes the query anew, in the form that it signed. Joined as text: a path may begin with two slashes.
    url: new URL(url.origin + signed.path),
    headers: Object.fromEntries(
      Object.entries(signed.headers ?? {})
        .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
        // These the connection writes itself, the same.
        .filter(([name]) => name !== 'host' && name !== 'content-length'),
    ),
  }
}
