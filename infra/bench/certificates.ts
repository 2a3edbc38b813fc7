import { setTimeout as delay } from 'node:timers/promises'
import {
  freePort,
  type Pebble,
  type SshdPeer,
  startNginx,
  startPebble,
  startSshd,
} from '@opsconductor/test-peers'
import { createFleet, type Fleet } from '../../packages/e2e/src/certificate-fleet.ts'
import { type Call, createCaller, must } from '../../packages/e2e/src/client.ts'
import { adminEmail } from '../local/services.ts'
import type { Stack } from '../local/stack.ts'
import { type BareTarget, openBareCertificates } from './bare-certificates.ts'
import { legoIsMissing, openLego } from './certificates-lego.ts'
import { quantile } from './statistics.ts'

const count = 20
const width = 5
const redeployed = 5
const endsWithinMs = 120_000

export interface CertificatesResult {
  count: number
  /** From the first wish until the last is served. */
  ourSeconds: number
  bareSeconds: number
  /** Undefined where it cannot be had on this machine. */
  legoSeconds: number | undefined
  /** Of one deployment, p50. */
  firstMs: number
  againMs: number
}

/** Issues and deploys certificates by lego with a script, by acme-client and ssh2 alone, and through the platform; then deploys some again. */
export async function benchCertificates(stack: Stack): Promise<CertificatesResult> {
  const ours = await startPebble({ httpPort: stack.layout.ports.gateway })
  const api = await openProject(stack, 'bench certificates')
  const fleet = await createFleet(api, {
    otherPorts: [ours.port],
    authorities: [ours.ca, await ours.root()],
  })
  try {
    const account = { name: 'pebble', directory_url: ours.directoryUrl, terms_of_service_agreed: true }
    await must(api('POST', '/api/certificates/accounts', { body: { ...account, is_default: true } }))
    const legoSeconds = legoIsMissing() ? undefined : await benchScript('lego', openLego)
    const bareSeconds = await benchScript('bare', openBareCertificates)
    const ourSeconds = await benchOurs(api, fleet)
    return { count, ourSeconds, bareSeconds, legoSeconds, ...(await benchAgain(api, fleet)) }
  } finally {
    await fleet.close()
    await ours.close()
  }
}

/** The management API as the administrator, in a new project. */
/** Calls in a project of that name; signs in again where the session has run out. */
export async function openProject({ backing, keys }: Stack, name: string): Promise<Call> {
  const open = createCaller(backing.kongProxyUrl)
  const signIn = async (project: Record<string, string> = {}) => {
    const body = { email: adminEmail, password: keys.adminPassword }
    const session = await must(open<{ access_token: string }>('POST', '/api/session', { body }))
    return createCaller(backing.kongProxyUrl, {
      authorization: `Bearer ${session.access_token}`,
      ...project,
    })
  }
  const admin = await signIn()
  const { id } = await must(admin<{ id: string }>('POST', '/api/projects', { body: { name } }))
  let call = await signIn({ 'x-project-id': id })
  return async <Body>(...asked: Parameters<Call>) => {
    const answer = await call<Body>(...asked)
    if (answer.status !== 401) return answer
    call = await signIn({ 'x-project-id': id })
    return call<Body>(...asked)
  }
}

const namesOf = (prefix: string, many: number) =>
  Array.from({ length: many }, (_, i) => `${prefix}${i}.example.com`)

/** Seconds until all of them are done, `width` at a time, after one that warms everything up. */
async function timeAll(names: string[], work: (name: string, index: number) => Promise<unknown>) {
  await work(names[0] as string, 0)
  const since = performance.now()
  let next = 1
  const lane = async () => {
    for (let i = next++; i < names.length; i = next++) await work(names[i] as string, i)
  }
  await Promise.all(Array.from({ length: width }, lane))
  return (performance.now() - since) / 1000
}

interface Script {
  issueAndDeploy(target: BareTarget): Promise<void>
  close(): void | Promise<void>
}

async function benchScript(
  prefix: string,
  open: (pebble: Pebble, sshd: SshdPeer) => Promise<Script>,
): Promise<number> {
  const names = namesOf(prefix, count + 1)
  const sshd = await startSshd()
  const pebble = await startPebble(prefix === 'lego' ? { httpPort: await freePort() } : {})
  const nginx = await startNginx({ directory: sshd.home, vhosts: names.map((name) => ({ names: [name] })) })
  try {
    const script = await open(pebble, sshd)
    const targetOf = (name: string): BareTarget => {
      const directory = `${nginx.certificates}/${name}`
      const paths = {
        certificate: `${directory}/live/fullchain.pem`,
        key: `${directory}/live/privkey.pem`,
      }
      return {
        ...{ name, directory, configFile: nginx.siteFile(name), tlsPort: nginx.port },
        config: nginx.site({ names: [name], ...paths }),
        nginx: `${nginx.binary} -c ${nginx.configFile}`,
      }
    }
    return await timeAll(names, (name) => script.issueAndDeploy(targetOf(name))).finally(script.close)
  } finally {
    await nginx.close()
    await sshd.close()
    await pebble.close()
  }
}

async function benchOurs(api: Call, fleet: Fleet): Promise<number> {
  const names = namesOf('ours', count + 1)
  const { vhostIds } = await fleet.addServer(api, 'bench', names)
  return timeAll(names, async (name, i) => {
    const body = { name: `ours-${i}`, names: [name], vhost_ids: [vhostIds[i]] }
    const { id } = await must(api<{ id: string }>('POST', '/api/certificates', { body }))
    const { deploy_operation_id } = await untilSucceeded<{ deploy_operation_id: string }>(api, id)
    await untilSucceeded(api, deploy_operation_id)
  })
}

/** By the stream of its events, which ends with it; answers its result. */
async function untilSucceeded<Result>(api: Call, id: string): Promise<Result> {
  const { text } = await api('GET', `/api/certificates/operations/${id}/events`)
  const last = [...text.matchAll(/^data: (.*)$/gm)].at(-1)?.[1] ?? '{}'
  const { state, result, error } = JSON.parse(last)
  if (state !== 'succeeded') throw new Error(`Operation ${id}: ${state} ${JSON.stringify(error)}`)
  return result
}

interface Operation {
  state: string
  started_at: string
  finished_at: string
}

/** A deployment to a server that never had the certificate, and the same again. */
async function benchAgain(api: Call, fleet: Fleet): Promise<{ firstMs: number; againMs: number }> {
  const names = namesOf('ours', redeployed)
  const server = await fleet.addServer(api, 'again', names)
  const durations: [first: number[], again: number[]] = [[], []]
  for (const [i, vhostId] of server.vhostIds.entries()) {
    const { items } = await must(api<{ items: { id: string }[] }>('GET', `/api/certificates?name=ours-${i}`))
    const id = items[0]?.id as string
    await must(api('PUT', `/api/servers/${server.id}/vhosts/${vhostId}`, { body: { certificate_id: id } }))
    // Naming the certificate has it deployed.
    durations[0].push(await durationOf(api, id, server.id, 1))
    await must(api('POST', `/api/certificates/${id}/deploy`, { body: { server_ids: [server.id] } }))
    durations[1].push(await durationOf(api, id, server.id, 2))
  }
  return { firstMs: quantile(durations[0], 0.5), againMs: quantile(durations[1], 0.5) }
}

/** Of the newest deployment of a certificate to a server, once there are so many and it has succeeded. */
async function durationOf(api: Call, id: string, serverId: string, operations: number): Promise<number> {
  const path = `/api/certificates/operations?kind=deploy&certificate_id=${id}&server_id=${serverId}`
  for (const until = Date.now() + endsWithinMs; Date.now() < until; await delay(20)) {
    const { items } = await must(api<{ items: Operation[] }>('GET', path))
    const [newest] = items
    if (newest?.state === 'failed') break
    if (items.length === operations && newest?.state === 'succeeded')
      return Date.parse(newest.finished_at) - Date.parse(newest.started_at)
  }
  throw new Error(`Certificate ${id} was not deployed.`)
}
