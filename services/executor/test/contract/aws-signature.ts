import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

interface Received {
  method: string
  /** Path and query as they came. */
  url: string
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Whether the request carries a Signature Version 4 of this key, worked out as AWS's documentation of it has it. */
export function isSignedForAws(
  { method, url, headers, body }: Received,
  key: { id: string; secret: string },
): boolean {
  const [, id, date = '', region = '', service = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    ) ?? []
  if (id !== key.id) return false
  const [path = '', query = ''] = url.split('?')
  const canonical = [
    method,
    // S3 takes the path as it is; everywhere else its segments are encoded once more.
    service === 's3' ? path : path.split('/').map(encodeURIComponent).join('/'),
    query.split('&').sort().join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    headers['x-amz-content-sha256'] ?? sha256(body),
  ].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const signingKey = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${key.secret}`, date))
  return hmac(signingKey, toSign).toString('hex') === signature
}
