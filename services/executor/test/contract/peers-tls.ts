import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { certificatesToPem, keyToPem } from '../../../../packages/x509/src/index.ts'
import { type Identity, makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import type { Family } from './family.ts'

const pem = (identity: Identity) => ({
  key: keyToPem(identity.key),
  cert: certificatesToPem([identity.certificate]),
})

/** TLS servers for steps that look at certificates. */
export const tlsFamily: Family = {
  plays: (type) => type.startsWith('tls.'),
  async start() {
    const authority = makeCertificate('contract TLS authority', { ca: true })
    const site = pem(
      makeCertificate('example.com', { issuer: authority, dns: ['localhost', '*.example.com'] }),
    )
    const client = pem(makeCertificate('client', { issuer: authority }))
    const ca = certificatesToPem([authority.certificate])
    const servers = [false, true].map((asksWho) =>
      createServer({ ...site, ca, requestCert: asksWho, rejectUnauthorized: asksWho }, (socket) =>
        socket.on('error', () => {}).resume(),
      ).listen(0, '127.0.0.1'),
    )
    await Promise.all(servers.map((server) => once(server, 'listening')))
    const [open, asking] = servers.map((server) => (server.address() as AddressInfo).port) as [number, number]
    const clientCertificate = {
      type: 'x509',
      secret: { private_key: client.key },
      extra: { certificate: client.cert },
    }
    return {
      targets: [
        {
          name: 'TLS server (Node)',
          auths: [{ name: 'none' }],
          place: (step) => ({ ...step, input: { ...step.input, port: open } }),
        },
        {
          name: 'TLS server (Node) behind a bastion',
          auths: [{ name: 'none' }],
          place: (step) => ({
            ...{ ...step, via: ['bastion'] },
            input: { ...step.input, host: 'localhost', port: open },
          }),
        },
        {
          name: 'TLS server (Node) that asks for a certificate',
          auths: [{ name: 'client certificate (`x509`)', clientCertificate }],
          place: (step) => ({ ...step, input: { ...step.input, port: asking } }),
        },
      ],
      ports: [open, asking],
      input: {},
      caBundle: ca,
      stop: async () => {
        await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
      },
    }
  },
}
