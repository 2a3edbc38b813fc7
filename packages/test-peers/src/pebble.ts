import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { freePort } from './free-port.ts'
import { requirePeer } from './peer.ts'
import { createTestCertificates, type TestCertificates } from './test-certificates.ts'

const pebble = () => requirePeer('TEST_PEBBLE_BIN', 'pebble')

/** Whether `npm test` could not have it on this machine and said so; never in CI, where that is a failure. */
export const pebbleIsMissing = (): boolean => pebble() === 'none'

export interface PebbleOptions {
  /** By name, how long its certificates are valid; one `default` of 90 days where none is given. Of several pebble picks any where an order names none. */
  profiles?: Record<string, { validitySeconds: number }>
  /** Accounts of the CA's customers: kid → MAC key in base64url. Where any is given none can register without. */
  externalAccounts?: Record<string, string>
  /** Names that it refuses to issue for. */
  blockedNames?: string[]
  /** How many of a hundred good nonces it refuses; 5 where nothing is said. */
  nonceRejectPercent?: number
  /** How many of a hundred orders find their names' authorizations still valid; 0 where nothing is said. */
  authzReusePercent?: number
  /** Where it validates http-01; its own server, which `addHttp` fills, where nothing is said. */
  httpPort?: number
  /** How many roots it has beside the first, each with chains of its own; none where nothing is said. */
  alternateRoots?: number
}

/** RFC 9773: when the CA would have a certificate renewed. */
interface RenewalInfo {
  suggestedWindow: { start: string; end: string }
  explanationURL?: string
}

export interface Pebble {
  directoryUrl: string
  /** Of its ACME API, and of the management of its DNS. */
  port: number
  /** PEM of the authority of its own HTTPS. */
  ca: string
  /** PEM of the root under which it issues, the first of several; others at each start. */
  root(index?: number): Promise<string>
  /** Where it looks names up: `127.0.0.1:port`. */
  dnsServer: string
  /** Where it connects to for http-01. */
  httpPort: number
  addHttp(token: string, content: string): Promise<void>
  removeHttp(token: string): Promise<void>
  /** `host` is fully qualified, without the final dot. */
  addTxt(host: string, value: string): Promise<void>
  clearTxt(host: string): Promise<void>
  /** Any name leads to 127.0.0.1 where nothing else is said. */
  addA(host: string, ...addresses: string[]): Promise<void>
  setCname(host: string, target: string): Promise<void>
  setServfail(host: string): Promise<void>
  clearServfail(host: string): Promise<void>
  setRenewalInfo(certificatePem: string, info: RenewalInfo): Promise<void>
  /** `Valid` or `Revoked`; the serial in lower-case hexadecimal. */
  statusOf(serial: string): Promise<string>
  close(): Promise<void>
}

/** Let's Encrypt's pebble on loopback with a DNS and an HTTP server of its own. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const scratch = mkdtempSync(join(tmpdir(), 'pebble-'))
  const certificates = createTestCertificates()
  const [port, managementPort, dnsPort, challengePort, ownHttpPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const httpPort = options.httpPort ?? ownHttpPort
  const config = writeConfig(scratch, certificates, options, { port, managementPort, httpPort })
  const children = [
    run(requirePeer('TEST_CHALLTESTSRV_BIN', 'challtestsrv'), [
      ...['-dnsserver', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${challengePort}`],
      ...['-http01', options.httpPort === undefined ? `127.0.0.1:${httpPort}` : ''],
      ...['-https01', '', '-doh', '', '-tlsalpn01', '', '-defaultIPv4', '127.0.0.1', '-defaultIPv6', ''],
    ]),
    run(pebble(), ['-config', config, '-dnsserver', `127.0.0.1:${dnsPort}`], {
      PEBBLE_VA_NOSLEEP: '1',
      PEBBLE_WFE_NONCEREJECT: String(options.nonceRejectPercent ?? 5),
      PEBBLE_AUTHZREUSE: String(options.authzReusePercent ?? 0),
      PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
    }),
  ]
  const agent = new Agent({ connect: { ca: certificates.ca } })
  const directoryUrl = `https://127.0.0.1:${port}/dir`
  const management = `https://127.0.0.1:${managementPort}`
  const ask = async (url: string, body?: unknown): Promise<string> => {
    const answer = await request(url, {
      dispatcher: agent,
      headers: { 'user-agent': 'OpsConductor tests' },
      method: body === undefined ? 'GET' : 'POST',
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${text}`)
    return text
  }
  const tell = async (action: string, body: unknown) => {
    await ask(`http://127.0.0.1:${challengePort}/${action}`, body)
  }
  const close = async () => {
    await agent.destroy()
    await Promise.all(children.map((child) => child.end()))
    rmSync(scratch, { recursive: true, force: true })
  }
  try {
    for (const url of [directoryUrl, `${management}/roots/0`]) await untilAnswers(() => ask(url), children)
    await untilAnswers(() => tell('clear-txt', { host: 'nothing.' }), children)
  } catch (error) {
    await close()
    throw error
  }
  return {
    directoryUrl,
    port,
    ca: certificates.ca,
    root: (index = 0) => ask(`${management}/roots/${index}`),
    dnsServer: `127.0.0.1:${dnsPort}`,
    httpPort,
    addHttp: (token, content) => tell('add-http01', { token, content }),
    removeHttp: (token) => tell('del-http01', { token }),
    addTxt: (host, value) => tell('set-txt', { host: `${host}.`, value }),
    clearTxt: (host) => tell('clear-txt', { host: `${host}.` }),
    addA: (host, ...addresses) => tell('add-a', { host: `${host}.`, addresses }),
    setCname: (host, target) => tell('set-cname', { host: `${host}.`, target: `${target}.` }),
    setServfail: (host) => tell('set-servfail', { host: `${host}.` }),
    clearServfail: (host) => tell('clear-servfail', { host: `${host}.` }),
    async setRenewalInfo(certificate, info) {
      await ask(`${management}/set-renewal-info/`, { certificate, ariResponse: JSON.stringify(info) })
    },
    async statusOf(serial) {
      const { Status } = JSON.parse(await ask(`${management}/cert-status-by-serial/${serial}`))
      return Status
    },
    close,
  }
}

function writeConfig(
  scratch: string,
  { server }: TestCertificates,
  options: PebbleOptions,
  ports: { port: number; managementPort: number; httpPort: number },
): string {
  const file = (name: string, text: string) => {
    const path = join(scratch, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const { profiles = { default: { validitySeconds: 90 * 86_400 } }, externalAccounts } = options
  return file(
    'config.json',
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${ports.port}`,
        managementListenAddress: `127.0.0.1:${ports.managementPort}`,
        certificate: file('server.pem', server.cert),
        privateKey: file('server.key', server.key),
        httpPort: ports.httpPort,
        tlsPort: 1,
        ocspResponderURL: '',
        externalAccountBindingRequired: externalAccounts !== undefined,
        externalAccountMACKeys: externalAccounts ?? {},
        domainBlocklist: options.blockedNames ?? [],
        retryAfter: { authz: 0, order: 0 },
        keyAlgorithm: 'ecdsa',
        profiles: Object.fromEntries(
          Object.entries(profiles).map(([name, { validitySeconds }]) => [
            name,
            { description: name, validityPeriod: validitySeconds },
          ]),
        ),
      },
    }),
  )
}

function run(command: string, args: string[], environment: Record<string, string> = {}) {
  const child: ChildProcess = spawn(command, args, {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ...environment },
  })
  // Jest may end this process before anybody calls close.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', () => {})
  return {
    hasEnded: () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined,
    async end() {
      kill()
      process.off('exit', kill)
      if (child.pid !== undefined) await ended
    },
  }
}

const startMsMax = 30_000

/** They say that they listen before they do. */
async function untilAnswers(ask: () => Promise<unknown>, programs: { hasEnded(): boolean }[]): Promise<void> {
  const until = performance.now() + startMsMax
  for (;;) {
    const failure = await ask().then(
      () => undefined,
      (error: Error) => error,
    )
    if (failure === undefined) return
    if (performance.now() > until || programs.some((program) => program.hasEnded()))
      throw new Error(`pebble does not answer: ${failure.message}`)
    await delay(25)
  }
}
