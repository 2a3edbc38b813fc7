import { randomUUID } from 'node:crypto'
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NginxSettings } from '@opsconductor/contracts'
import {
  type NginxPeer,
  type SshdOptions,
  type SshdPeer,
  startNginx,
  startSshd,
} from '@opsconductor/test-peers'
import { certificatesToPem, keyToPem, parsePem } from '@opsconductor/x509'
import { makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { certificatePaths } from '../../src/deploying/certificate-paths.ts'
import { type DeployWork, deployCertificate } from '../../src/deploying/deploy-certificate.ts'
import type { AgentUnderTest } from '../support/agent.ts'

export interface Issued {
  key: string
  certificate: string
  serial: string
}

/** A certificate that is signed by its own key. */
export function issue(names: readonly string[]): Issued {
  const { key, certificate } = makeCertificate(names[0] ?? '', { dns: [...names] })
  return {
    ...{ key: keyToPem(key), certificate: certificatesToPem([certificate]) },
    serial: certificate.x509.serialNumber.toLowerCase(),
  }
}

export type Fleet = Awaited<ReturnType<typeof startFleet>>

/** An SSH server and the NGINX that its account manages, known to the agent's project. */
export async function startFleet(agent: AgentUnderTest, options: SshdOptions = {}) {
  const sshd = await startSshd(options)
  const nginx = await startNginx({ directory: sshd.home, vhosts: [{ names: ['other.example.test'] }] })
  agent.executor.open(sshd.port, nginx.port)
  trust(agent, sshd)
  const { projectId, broker, deps } = agent
  const credential = addLogin(agent, sshd)

  /** A server row for this machine. */
  const addServer = (settings: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) =>
    deps.prisma.server.create({
      data: {
        ...{ projectId, name: randomUUID(), host: sshd.host, port: sshd.port, credentialId: credential.id },
        nginx: NginxSettings.parse({
          ...{ binary: nginx.binary, config_file: nginx.configFile },
          certificates_directory: nginx.certificates,
          ...settings,
        }),
        ...{ createdBy: 'test', ...fields },
      },
    })

  /** A certificate without a version, and the wish to have it on the server. */
  async function addDeployment(
    serverId: string,
    names: readonly string[],
    vhost: Record<string, unknown> = {},
  ) {
    const kept = broker.add({ projectId, name: randomUUID(), type: 'x509', secret: {} })
    const [acmeAccount] = await deps.prisma.acmeAccount.findMany({ take: 1 })
    const { id: certificateId } = await deps.prisma.certificate.create({
      data: {
        ...{ projectId, name: randomUUID(), names: [...names], source: 'import', keyType: 'ec-p256' },
        ...{ acmeAccountId: acmeAccount?.id ?? null, credentialId: kept.id, createdBy: 'test' },
      },
    })
    await deps.prisma.vhost.create({
      data: {
        ...{ projectId, serverId, certificateId, names: [...names], probePort: nginx.port },
        ...vhost,
      },
    })
    const { id } = await deps.prisma.deployment.create({
      data: { projectId, certificateId, serverId, desiredVersion: 1 },
    })
    const settings = (await deps.servers.find(projectId, serverId))?.nginx as NginxSettings
    const paths = certificatePaths(settings, certificateId)
    let version = 0
    return {
      id,
      certificateId,
      paths,
      /** The next version is there, and wished. */
      async addVersion(given: Partial<Issued> = {}): Promise<Issued> {
        const issued = { ...issue(names), ...given }
        version++
        Object.assign(kept, { version, secret: { private_key: issued.key } })
        const [parsed] = parsePem(issued.certificate).certificates
        await deps.prisma.certificateVersion.create({
          data: {
            ...{ certificateId, version, serial: issued.serial, issuer: 'test', names: [...names] },
            ...{ fingerprintSha256: parsed?.fingerprint ?? '', certificatePem: issued.certificate },
            notBefore: parsed?.x509.validFromDate ?? new Date(),
            notAfter: parsed?.x509.validToDate ?? new Date(),
          },
        })
        await deps.prisma.deployment.update({
          where: { id },
          data: { desiredVersion: version, state: 'pending' },
        })
        return issued
      },
      row: () => deps.prisma.deployment.findUniqueOrThrow({ where: { id } }),
      /** Deploys what is wished; the states in their order. */
      async deploy(more: Partial<DeployWork> = {}): Promise<string[]> {
        const states: string[] = []
        await deployCertificate(deps, {
          ...{ operationId: randomUUID(), deploymentId: id, actor: 'test' },
          signal: new AbortController().signal,
          onState: (state) => states.push(state),
          ...more,
        })
        return states
      },
    }
  }

  /** A server of its own, whose NGINX is set to serve the name with a certificate that is not there yet. */
  async function addSite(
    name: string,
    settings: Record<string, unknown> = {},
    fields: Record<string, unknown> = {},
  ) {
    const { id: serverId } = await addServer(settings, fields)
    const deployment = await addDeployment(serverId, [name])
    const { certificate, key } = deployment.paths
    nginx.setSite({ names: [name], certificate, key })
    return { ...deployment, serverId }
  }

  return {
    sshd,
    nginx,
    credential,
    addServer,
    addDeployment,
    addSite,
    /** The same, with a first version that is live. */
    async startSite(...of: Parameters<typeof addSite>) {
      const site = await addSite(...of)
      await site.addVersion()
      await site.deploy()
      await nginx.settled()
      return site
    },
    /** A folder of the account's own. */
    makeFolder(name: string): string {
      const path = join(sshd.home, name)
      const { uid, gid } = statSync(sshd.home)
      mkdirSync(path)
      if (process.getuid?.() === 0) chownSync(path, uid, gid)
      return path
    },
    async close() {
      await nginx.close()
      await sshd.close()
    },
  }
}

export type TestDeployment = Awaited<ReturnType<Fleet['addDeployment']>>

export function trust(agent: AgentUnderTest, { host, port, hostKey }: SshdPeer): void {
  const [key_type = '', public_key = ''] = hostKey.publicKey.split(' ')
  agent.broker.hostKeys.push({
    ...{ host, port, key_type, public_key, fingerprint: hostKey.fingerprint },
    ...{ revoked: false, is_authority: false },
  })
}

export const addLogin = (agent: AgentUnderTest, { username, clientKey }: SshdPeer) =>
  agent.broker.add({
    ...{ projectId: agent.projectId, name: randomUUID(), type: 'ssh' },
    ...{ secret: { private_key: clientKey.privateKey }, extra: { username } },
  })

/**
 * Shakes hands until it is stopped; answers how many failed, and the serials that were served, in the order in which each was
 * seen first. While NGINX hands over to new workers, the old ones take connections too.
 */
export function watchServed(nginx: NginxPeer, name: string) {
  let isOver = false
  let failures = 0
  const serials = new Set<string>()
  const watching = (async () => {
    while (!isOver) {
      const serial = await nginx.served(name)
      if (serial === undefined) failures++
      else serials.add(serial)
      await delay(20)
    }
  })()
  return async () => {
    isOver = true
    await watching
    return { failures, serials: [...serials] }
  }
}

/** What `work` throws, as `code: message`. */
export const faultOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no fault',
    ({ code, message }: { code?: string; message: string }) => `${code}: ${message}`,
  )

export const writeText = (path: string, text: string): void => writeFileSync(path, text)
