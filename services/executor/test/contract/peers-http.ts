import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { startOAuth2Peer } from '@opsconductor/test-peers'
import { certificatesToPem, keyToPem } from '../../../../packages/x509/src/index.ts'
import { type Identity, makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { type Auth, type ExampleStep, type Family, withPort } from './family.ts'
import { httpAuths, inputFor, isKnown } from './http-logins.ts'

const pem = (identity: Identity) => ({
  key: keyToPem(identity.key),
  cert: certificatesToPem([identity.certificate]),
})

async function received(request: IncomingMessage) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    body: Buffer.concat(chunks),
    hasCertificate: (request.socket as TLSSocket).authorized,
  }
}

/** All that the examples ask of their targets. */
const answer = JSON.stringify({
  ...{ id: 7, state: 'done', artifact: { version: '1.2.3' } },
  choices: [{ message: { role: 'assistant', content: 'It is well.' }, finish_reason: 'stop' }],
})

const callTypes = new Set(['agent.call', 'llm.call', 'tool.call'])

/** Where a step's URL stands. */
const urlFieldOf = (type: string) => (type === 'llm.call' ? 'base_url' : 'url')

/** HTTP steps, on HTTPS servers: one that is open to everybody, one that asks who calls. */
export const httpFamily: Family = {
  plays: (type) => type.startsWith('http.') || callTypes.has(type),
  async start() {
    const authorisation = await startOAuth2Peer()
    const authority = makeCertificate('contract authority', { ca: true })
    const names = ['localhost', '*.example.com', 'my-bucket.s3.eu-central-1.amazonaws.com']
    const site = pem(makeCertificate('example.com', { issuer: authority, dns: names }))
    const client = pem(makeCertificate('client', { issuer: authority }))
    const ca = certificatesToPem([authority.certificate])
    const servers = [false, true].map((guarded) =>
      createServer(
        { ...site, ca, requestCert: guarded, rejectUnauthorized: false },
        async (request, response) => {
          const isAllowed = !guarded || (await isKnown(await received(request), authorisation))
          response.writeHead(isAllowed ? 200 : 401, { 'content-type': 'application/json' }).end(answer)
        },
      ).listen(0, '127.0.0.1'),
    )
    await Promise.all(servers.map((server) => once(server, 'listening')))
    const [open, guarded] = servers.map((server) => (server.address() as AddressInfo).port) as [
      number,
      number,
    ]
    const placeAt = (port: number) => (step: ExampleStep, auth: Auth) => {
      const field = urlFieldOf(step.type)
      const at = withPort(step.input[field], port)
      return { ...step, input: { ...inputFor(auth), ...step.input, [field]: at } }
    }
    const clientCertificate = {
      type: 'x509',
      secret: { private_key: client.key },
      extra: { certificate: client.cert },
    }
    return {
      targets: [
        { name: 'HTTPS server (Node)', auths: [{ name: 'none' }], place: placeAt(open) },
        {
          name: 'HTTPS server (Node) that asks who calls',
          auths: [...httpAuths(authorisation), { name: 'client certificate (`x509`)', clientCertificate }],
          place: placeAt(guarded),
        },
        {
          name: 'HTTPS server (Node) behind a bastion',
          auths: [{ name: 'none' }],
          // The bastion resolves the name.
          place({ type, input }) {
            const field = urlFieldOf(type)
            const at = String(input[field]).replace(/^https:\/\/[^/]+/, `https://localhost:${open}`)
            return { type, via: ['bastion'], input: { ...input, [field]: at } }
          },
        },
      ],
      ports: [open, guarded, authorisation.port],
      before: [{ id: 'check', type: 'set', input: { values: { body: 'a full disk' } } }],
      input: {
        ...{ order_id: 7, host: 'web-01', query: 'shoes & socks', id: 'd-1', first: 'a', second: '<b>' },
        ...{ note: 'a note', version: '1.2.3', service: 'web', replicas: 3, report: 'all is well' },
        ...{ ticket: 12, session: 's-1', log: 'disk full', email: 'ada@example.com' },
      },
      caBundle: ca,
      async stop() {
        for (const server of servers) server.closeAllConnections()
        await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
        await authorisation.close()
      },
    }
  },
}
