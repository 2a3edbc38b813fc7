import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  createSshKey,
  type NginxPeer,
  type SshdPeer,
  startNginx,
  startSshd,
  type TestSshKey,
} from '@opsconductor/test-peers'
import pg from 'pg'
import { type Call, must } from '../../packages/e2e/src/client.ts'
import { residentBytesOf } from '../local/process-identity.ts'
import type { Stack } from '../local/stack.ts'
import { openProject } from './certificates.ts'

export interface FleetSize {
  servers: number
  certificates: number
}

export interface BatchResult {
  /** From the call that starts the batch until all of it is live. */
  seconds: number
  /** Certificates of which a deployment failed, and was tried again by itself. */
  retried: number
  /** Of cert-agent, at the most while it went on. */
  peakBytes: number
  handshakes: number
  failedHandshakes: number
}

/** A server of the fleet: an sshd and an NGINX of its own. */
interface Host {
  sshd: SshdPeer
  nginx: NginxPeer
}

const startedAtOnce = 5
const batchConcurrency = 20
const endsWithinMs = 2 * 3_600_000
const steadyName = 'steady.example.com'

/**
 * A batch that deploys each certificate to each server, and the same batch once more, when all of it is live. All were imported, and
 * every server has a virtual host for each of them. While it goes on every server is asked for handshakes, one after the other.
 */
export async function* benchCertificateFleet(stack: Stack, size: FleetSize): AsyncGenerator<BatchResult> {
  const api = await openProject(stack, 'bench fleet')
  const login = createSshKey()
  const hosts = await startHosts(size.servers, login)
  const database = new pg.Pool({ connectionString: stack.backing.databaseUrl, max: 1 })
  try {
    const serverIds = await registerHosts(api, hosts, login)
    const ids = await importCertificates(api, size.certificates)
    for (const [i, { nginx }] of hosts.entries())
      await addVhosts(database, { serverId: serverIds[i] as string, nginx }, ids)
    const deployAll = () => deployBatch(api, database, { ids, servers: size.servers })
    yield await watched(stack, hosts, deployAll)
    yield await watched(stack, hosts, deployAll)
  } finally {
    await database.end()
    await Promise.all(hosts.map(closeHost))
  }
}

async function watched(
  stack: Stack,
  hosts: readonly Host[],
  deploy: () => Promise<Pick<BatchResult, 'seconds' | 'retried'>>,
): Promise<BatchResult> {
  const stopShaking = shakeHands(hosts)
  const stopSampling = samplePeak(stack)
  const deployed = await deploy()
  return { ...deployed, peakBytes: stopSampling(), ...(await stopShaking()) }
}

async function startHosts(count: number, login: TestSshKey): Promise<Host[]> {
  // Each of them ends with this process.
  process.setMaxListeners(0)
  const hosts: Host[] = []
  while (hosts.length < count) {
    const next = Math.min(startedAtOnce, count - hosts.length)
    hosts.push(...(await Promise.all(Array.from({ length: next }, () => startHost(login)))))
  }
  return hosts
}

async function startHost(login: TestSshKey): Promise<Host> {
  const sshd = await startSshd({ authorizedKeys: [login.publicKey] })
  return { sshd, nginx: await startNginx({ directory: sshd.home, vhosts: [{ names: [steadyName] }] }) }
}

async function closeHost({ sshd, nginx }: Host): Promise<void> {
  await nginx.close()
  await sshd.close()
}

/** Their ids, in their order. */
async function registerHosts(api: Call, hosts: readonly Host[], login: TestSshKey): Promise<string[]> {
  const username = hosts[0]?.sshd.username
  const secret = { private_key: login.privateKey }
  await must(
    api('POST', '/api/credentials', {
      body: { name: 'fleet-login', type: 'ssh', secret, extra: { username } },
    }),
  )
  const ports = hosts.flatMap(({ sshd, nginx }) => [sshd.port, nginx.port])
  const allow = chunksOf(ports, 20).map((some) => ({ cidr: '127.0.0.1/32', ports: some }))
  await must(api('PUT', '/api/outbound-policy', { body: { allow } }))
  const ids: string[] = []
  for (const [i, { sshd, nginx }] of hosts.entries()) {
    const { host, port, hostKey } = sshd
    await must(api('POST', '/api/trust/host-keys', { body: { host, port, key: hostKey.publicKey } }))
    const settings = {
      ...{ binary: nginx.binary, config_file: nginx.configFile },
      ...{ certificates_directory: nginx.certificates, config_directories: [nginx.sites] },
    }
    const server = { name: `fleet-${i}`, host, port, credential: 'fleet-login', nginx: settings }
    const { id } = await must(api<{ id: string }>('POST', '/api/servers', { body: server }))
    ids.push(id)
  }
  return ids
}

const chunksOf = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

/** Their ids. Each is signed by one authority of this run. One client may bring 120 a minute, so more take longer. */
async function importCertificates(api: Call, count: number): Promise<string[]> {
  const authority = createAuthority()
  try {
    const imported: string[] = []
    for (let i = 0; i < count; i++) {
      const body = { name: `site-${i}`, pem: authority.issue(`site-${i}.example.com`) }
      const { id } = await must(
        patiently(() => api<{ id: string }>('POST', '/api/certificates/import', { body })),
      )
      imported.push(id)
    }
    return imported
  } finally {
    authority.remove()
  }
}

/** Asks again when it may, where it was too fast. */
async function patiently<Answer extends { status: number; headers: Headers }>(
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    const answer = await ask()
    if (answer.status !== 429) return answer
    await delay(Number(answer.headers.get('retry-after') ?? 1) * 1_000)
  }
}

/** Signs with nothing but openssl; gone with `remove`. */
function createAuthority() {
  const directory = mkdtempSync(join(tmpdir(), 'bench-authority-'))
  // Of its own, so that none of the machine's extensions get in.
  writeFileSync(join(directory, 'openssl.cnf'), '[req]\ndistinguished_name = name\n[name]\n')
  const make = (file: string, name: string, ...more: string[]): string => {
    const [key, certificate] = [`${file}.key`, `${file}.pem`]
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const files = ['-config', 'openssl.cnf', '-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', '-x509', ...newKey, ...files, '-subj', `/CN=${name}`, ...more], {
      ...{ cwd: directory, stdio: 'pipe' },
    })
    return [key, certificate].map((one) => readFileSync(join(directory, one), 'utf8')).join('')
  }
  make('ca', 'bench authority', '-addext', 'basicConstraints=critical,CA:TRUE')
  const authority = readFileSync(join(directory, 'ca.pem'), 'utf8')
  return {
    /** PEM of a key, its certificate, and who signed it. */
    issue(name: string): string {
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', `subjectAltName=DNS:${name}`]
      return make('leaf', name, ...signed) + authority
    },
    remove: () => rmSync(directory, { recursive: true }),
  }
}

/** By SQL: ten thousand calls would take longer than what is measured. */
async function addVhosts(
  database: pg.Pool,
  { serverId, nginx }: { serverId: string; nginx: NginxPeer },
  certificateIds: readonly string[],
): Promise<void> {
  const paths = { certificate: '{{ certificate_path }}', key: '{{ key_path }}' }
  const template = nginx.site({ names: ['{{ server_names }}'], ...paths })
  await database.query(
    `INSERT INTO cert_agent.vhosts (project_id, server_id, certificate_id, names, probe_port, config_file, template)
     SELECT s.project_id, s.id, c.id, c.names, $2, $3 || '/' || c.name || '.conf', $4
     FROM cert_agent.servers s, cert_agent.certificates c WHERE s.id = $1 AND c.id = ANY ($5)`,
    [serverId, nginx.port, nginx.sites, template, certificateIds],
  )
}

interface Operation {
  finished_at: string | null
  result: { succeeded: number; retrying: number } | null
}

interface Batch {
  ids: readonly string[]
  servers: number
}

/** Ends when everything is live; what failed for now is tried again by itself. */
async function deployBatch(api: Call, database: pg.Pool, { ids, servers }: Batch) {
  const since = performance.now()
  const body = { action: 'deploy', certificate_ids: ids, concurrency: batchConcurrency }
  const { id } = await must(api<{ id: string }>('POST', '/api/certificates/batch', { body }))
  for (const until = Date.now() + endsWithinMs; Date.now() < until; await delay(200)) {
    const { finished_at, result } = await must(api<Operation>('GET', `/api/certificates/operations/${id}`))
    if (finished_at === null || result === null) continue
    const { succeeded, retrying } = result
    if (succeeded + retrying !== ids.length) throw new Error(`The batch ended as ${JSON.stringify(result)}`)
    if ((await countLive(database, ids)) === ids.length * servers)
      return { seconds: (performance.now() - since) / 1000, retried: retrying }
  }
  throw new Error('Not everything went live.')
}

async function countLive(database: pg.Pool, ids: readonly string[]): Promise<number> {
  const { rows } = await database.query<{ live: number }>(
    `SELECT count(*)::int AS live FROM cert_agent.deployments
     WHERE certificate_id = ANY ($1) AND live_version = desired_version AND state = 'live'`,
    [ids],
  )
  return rows[0]?.live ?? 0
}

/** One handshake after the other, with each host in turn, until it is stopped. */
function shakeHands(hosts: readonly Host[]) {
  const stop = new AbortController()
  let [handshakes, failedHandshakes] = [0, 0]
  const shaking = (async () => {
    while (!stop.signal.aborted)
      for (const { nginx } of hosts) {
        handshakes++
        if ((await nginx.served(steadyName)) === undefined) failedHandshakes++
        await delay(5)
      }
  })()
  return async () => {
    stop.abort()
    await shaking
    return { handshakes, failedHandshakes }
  }
}

/** Answers how much of cert-agent was resident at the most. */
function samplePeak({ children }: Stack): () => number {
  const pid = children.find(({ name }) => name === 'cert-agent')?.pid() ?? 0
  let peakBytes = 0
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytesOf(pid) ?? 0)
  }, 200)
  return () => {
    clearInterval(timer)
    return peakBytes
  }
}
