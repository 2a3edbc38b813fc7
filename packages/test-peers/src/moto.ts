import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Agent, request } from 'undici'
import { requirePeer } from './peer.ts'
import type { TestCertificates } from './test-certificates.ts'

const python = () => requirePeer('TEST_MOTO_PYTHON', 'moto')

/** Whether `npm test` could not have moto on this machine and said so; never in CI, where that is a failure. */
export const motoIsMissing = (): boolean => python() === 'none'

/**
 * Moto: an AWS that is kept in memory, with the real API of Secrets Manager and Route 53. It checks signatures and
 * policies: `accessKey` may do everything there, `strangerKey` exists and may do nothing. With certificates it speaks TLS.
 */
export async function startMoto(certificates?: TestCertificates) {
  const folder = mkdtempSync(join(tmpdir(), 'moto-'))
  const tls = tlsOptions(folder, certificates)
  const child = spawn(python(), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0', ...tls], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, HOME: homedir(), INITIAL_NO_AUTH_ACTION_COUNT: String(setUpActions) },
  })
  // Jest may end this process before anybody calls close.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const lines = createInterface({ input: child.stderr })
  const url = await new Promise<string>((resolve, reject) => {
    const heard: string[] = []
    lines.on('line', (line) => {
      heard.push(line)
      const [address] = /https?:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
      if (address !== undefined) resolve(address)
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`moto ended with ${code}: ${heard.join('\n')}`)))
  })
  const iam = new Agent(certificates && { connect: { ca: certificates.ca } })
  const askIam = (parameters: Record<string, string>) => askWithoutKey(iam, url, parameters)
  const accessKey = await createAccessKey(askIam, 'broker')
  await askIam({
    Action: 'PutUserPolicy',
    UserName: 'broker',
    PolicyName: 'all',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['secretsmanager:*', 'route53:*'], Resource: '*' }],
    }),
  })
  const strangerKey = await createAccessKey(askIam, 'stranger')
  await iam.close()
  return {
    ...{ url, accessKey, strangerKey },
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      kill()
      process.off('exit', kill)
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How many of the requests below moto takes before it begins to check signatures. */
const setUpActions = 5

function tlsOptions(folder: string, certificates: TestCertificates | undefined): string[] {
  if (certificates === undefined) return []
  const [certificate, key] = [join(folder, 'server.crt'), join(folder, 'server.key')]
  writeFileSync(certificate, certificates.server.cert)
  writeFileSync(key, certificates.server.key, { mode: 0o600 })
  return ['-c', certificate, '-k', key]
}

async function createAccessKey(
  askIam: (parameters: Record<string, string>) => Promise<string>,
  UserName: string,
) {
  await askIam({ Action: 'CreateUser', UserName })
  const xml = await askIam({ Action: 'CreateAccessKey', UserName })
  const field = (name: string) => RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? ''
  return { id: field('AccessKeyId'), secret: field('SecretAccessKey') }
}

/** Unsigned, but for the header by which moto knows which service is meant. */
async function askWithoutKey(
  dispatcher: Agent,
  url: string,
  parameters: Record<string, string>,
): Promise<string> {
  const answer = await request(url, {
    dispatcher,
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ ...parameters, Version: '2010-05-08' }).toString(),
  })
  const xml = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`moto refused ${parameters.Action}: ${xml}`)
  return xml
}
