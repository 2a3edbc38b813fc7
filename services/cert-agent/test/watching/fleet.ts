import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:tls'
import { NginxSettings } from '@opsconductor/contracts'
import { certificatesToPem, keyToPem } from '@opsconductor/x509'
import {
  type CertificateWishes,
  type Identity,
  makeCertificate,
} from '../../../../packages/x509/test/make-certificate.ts'
import type { AgentUnderTest } from '../support/agent.ts'

const dayMs = 86_400_000
export const dayFromNow = (days: number): string => new Date(Date.now() + days * dayMs).toISOString()

export const ca = makeCertificate('watching CA', {
  ca: true,
  notBefore: dayFromNow(-1_000),
  notAfter: dayFromNow(1_000),
})
/** Nobody trusts it. */
export const strangeCa = makeCertificate('strange CA', { ca: true })
export const caPem = certificatesToPem([ca.certificate])

export const issue = (names: string[], wishes: CertificateWishes = {}): Identity =>
  makeCertificate(names[0] ?? '', {
    ...{ issuer: ca, dns: names, notBefore: dayFromNow(-10), notAfter: dayFromNow(80) },
    ...wishes,
  })
export const serialOf = ({ certificate }: Identity): string => certificate.x509.serialNumber.toLowerCase()

/** A TLS server on loopback that shows what it is told to. */
export async function startTlsServer(first: Identity) {
  const names: string[] = []
  const sockets = new Set<Socket>()
  const show = ({ key, certificate }: Identity) => ({
    key: keyToPem(key),
    cert: certificatesToPem([certificate]),
  })
  const server = createServer({
    ...show(first),
    SNICallback(name, done) {
      names.push(name)
      done(null)
    },
  })
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    /** Server names that were asked for. */
    names,
    show: (identity: Identity) => server.setSecureContext(show(identity)),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Rows as other rooms write them. */
export const rowsOf = ({ deps }: AgentUnderTest, projectId: string) => ({
  addServer: (more: { via?: string[] } = {}) =>
    deps.prisma.server.create({
      data: {
        ...{ projectId, name: `web-${randomUUID().slice(0, 8)}`, host: '127.0.0.1', port: 22 },
        ...{ credentialId: randomUUID(), nginx: NginxSettings.parse({}), createdBy: 'test', ...more },
      },
    }),
  addVhost: (
    serverId: string,
    more: { names: string[]; probePort: number; certificateId?: string; discovered?: boolean },
  ) => deps.prisma.vhost.create({ data: { projectId, serverId, ...more } }),
  vhost: (id: string) => deps.prisma.vhost.findUniqueOrThrow({ where: { id } }),
  /** A certificate whose newest version is what was issued. */
  async addCertificate(identity: Identity, more: { renewAt?: Date } = {}) {
    const { x509 } = identity.certificate
    const notAfter = x509.validToDate
    const certificate = await deps.prisma.certificate.create({
      data: {
        ...{
          projectId,
          name: `cert-${randomUUID().slice(0, 8)}`,
          names: ['www.example.test'],
          source: 'import',
        },
        ...{ keyType: 'ec-p256', version: 1, state: 'valid', notAfter, createdBy: 'test', ...more },
      },
    })
    await deps.prisma.certificateVersion.create({
      data: {
        ...{
          certificateId: certificate.id,
          version: 1,
          serial: serialOf(identity),
          issuer: 'test',
          notAfter,
        },
        ...{ names: [], fingerprintSha256: '', notBefore: x509.validFromDate, certificatePem: '' },
      },
    })
    return certificate
  },
  addDeployment: (certificateId: string, serverId: string, liveVersion: number | null) =>
    deps.prisma.deployment.create({
      data: { projectId, certificateId, serverId, desiredVersion: 1, liveVersion },
    }),
})
