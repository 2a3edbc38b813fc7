import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { verifyWebhook } from '@opsconductor/webhook-signatures'
import { certificatesToPem, keyToPem } from '../../../../packages/x509/src/index.ts'
import { type Identity, makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { type ExampleStep, type Family, withPort } from './family.ts'

type Style = 'standard' | 'github' | 'none'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const before = 'the secret that came before it'

const pem = (identity: Identity) => ({
  key: keyToPem(identity.key),
  cert: certificatesToPem([identity.certificate]),
})

async function isSigned(style: Style, request: IncomingMessage): Promise<boolean> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (style === 'none') return true
  const { headers } = request
  const body = Buffer.concat(chunks)
  return [secret, before].some(
    (known) => verifyWebhook({ style, secrets: [known], headers, body, now: new Date() }).valid,
  )
}

const signed = (one: Record<string, string>) => ({ type: 'webhook_secret', secret: one })
const current = { name: '`webhook_secret`', credential: signed({ secret }) }
const rotated = {
  name: '`webhook_secret`, the receiver knows the previous one',
  credential: signed({ secret: 'the secret that comes after it', previous_secret: before }),
}

const placeAt = (port: number, style: Style) => (step: ExampleStep) =>
  (step.input.signature ?? 'standard') === style
    ? { ...step, input: { ...step.input, url: withPort(step.input.url, port) } }
    : undefined

/** Receivers of webhooks: each verifies one style of signature, one of them asks for a certificate besides. */
export const webhookFamily: Family = {
  plays: (type) => type.startsWith('webhook.'),
  async start() {
    const authority = makeCertificate('contract webhook authority', { ca: true })
    const site = pem(makeCertificate('example.com', { issuer: authority, dns: ['*.example.com'] }))
    const client = pem(makeCertificate('client', { issuer: authority }))
    const ca = certificatesToPem([authority.certificate])
    const receive = (style: Style, requestCert = false) =>
      createServer(
        { ...site, ca, requestCert, rejectUnauthorized: requestCert },
        async (request, response) => {
          const status = (await isSigned(style, request)) ? 200 : 401
          response.writeHead(status, { 'content-type': 'application/json' }).end('{"queued":true}')
        },
      ).listen(0, '127.0.0.1')
    const servers = [receive('standard'), receive('standard', true), receive('github'), receive('none')]
    await Promise.all(servers.map((server) => once(server, 'listening')))
    const ports = servers.map((server) => (server.address() as AddressInfo).port)
    const [standard, asking, github, open] = ports as [number, number, number, number]
    const clientCertificate = {
      type: 'x509',
      secret: { private_key: client.key },
      extra: { certificate: client.cert },
    }
    return {
      targets: [
        {
          name: 'receiver of Standard Webhooks (HTTPS, Node)',
          auths: [current, rotated],
          place: placeAt(standard, 'standard'),
        },
        {
          name: 'receiver of Standard Webhooks that asks for a certificate',
          auths: [
            { ...current, name: `${current.name} and client certificate (\`x509\`)`, clientCertificate },
          ],
          place: placeAt(asking, 'standard'),
        },
        {
          name: "receiver in GitHub's style (HTTPS, Node)",
          auths: [current],
          place: placeAt(github, 'github'),
        },
        { name: 'receiver that verifies nothing', auths: [{ name: 'none' }], place: placeAt(open, 'none') },
      ],
      ports,
      input: { order_id: 7, host: 'web-01' },
      caBundle: ca,
      async stop() {
        for (const server of servers) server.closeAllConnections()
        await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
      },
    }
  },
}
