import { expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import type { HttpRequest } from '../exchange.ts'
import { signForAws } from './aws.ts'

// Keys, date and signatures of the AWS Signature Version 4 test suite.
const date = '20150830T123600Z'
const credential = (secret: Record<string, string> = {}, extra: Record<string, unknown> = {}) => ({
  id: 'c',
  type: 'aws',
  secret: Object.fromEntries(
    Object.entries({ secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', ...secret }).map(
      ([name, text]) => [name, new SecretValue(text)],
    ),
  ),
  extra: { access_key_id: 'AKIDEXAMPLE', region: 'us-east-1', ...extra },
  http: null,
})
const request = (
  method: HttpRequest['method'],
  path: string,
  more: Partial<HttpRequest> = {},
): HttpRequest => ({
  method,
  url: new URL(path, 'https://example.amazonaws.com'),
  bodyBytesMax: 1,
  ...more,
  headers: { 'x-amz-date': date, ...more.headers },
})
const sign = (of: HttpRequest) => signForAws(of, { aws_service: 'service' }, credential())

test.each<[HttpRequest['method'], string, string]>([
  ['GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'GET',
    '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ],
])('000.02 aws: %s %s has the signature of the AWS test suite', (method, path, signature) => {
  expect(sign(request(method, path)).headers.authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      `SignedHeaders=host;x-amz-date, Signature=${signature}`,
  )
})

test('what is signed is what is sent: headers that the connection writes itself are not among those it is given', () => {
  const signed = sign(request('POST', '/a?b=c d', { body: 'x', headers: { 'content-type': 'text/plain' } }))
  expect(Object.keys(signed.headers).sort()).toEqual(['authorization', 'content-type', 'x-amz-date'])
  expect(signed.headers.authorization).toContain('content-length;content-type;host;x-amz-date')
  expect(signed.url.href).toBe('https://example.amazonaws.com/a?b=c%20d')
})

test('a path that looks like a host stays on the host', () => {
  expect(sign(request('GET', 'https://example.amazonaws.com//evil.example/x')).url.host).toBe(
    'example.amazonaws.com',
  )
})

test('a session token goes along, the service of an AWS host is known, and the region is the credential’s', () => {
  const signed = signForAws(
    request('PUT', 'https://bucket.s3.eu-central-1.amazonaws.com/key', { body: 'x' }),
    {},
    credential({ session_token: 'session-0123' }, { region: 'eu-central-1' }),
  )
  expect(signed.headers).toMatchObject({
    'x-amz-security-token': 'session-0123',
    'x-amz-content-sha256': '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
    authorization: expect.stringContaining('/eu-central-1/s3/aws4_request'),
  })
})

test('a host that names no service needs one', () => {
  expect(() => signForAws(request('GET', 'https://evil.example/'), {}, credential())).toThrow('aws_service')
  expect(() => signForAws(request('GET', 'https://amazonaws.com.evil.example/'), {}, credential())).toThrow(
    'aws_service',
  )
})
