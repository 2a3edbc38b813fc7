import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError } from '@opsconductor/errors'
import ssh2, { type AuthenticationType, type AuthHandlerMiddleware, type ConnectConfig } from 'ssh2'
import { createConnection, type SshConnection } from './connection.ts'
import { readCertificate } from './host-certificate.ts'
import { type HostKeyVerdict, hostKeyAlgorithms, judgeHostKey } from './host-keys.ts'
import type { KnownHostKey } from './known-host-key.ts'
import { openPrivateKey, type SigningKey } from './private-key.ts'
import { hostKeyError, loginError } from './ssh-error.ts'
import { loginWithCertificate, permitHostKeyAlgorithms, useCertifiedKey } from './ssh2-internals.ts'

/** Who logs in. What is there is tried in this order: key (with its certificate), password. */
export interface SshLogin {
  username: string
  password?: string | undefined
  /** PEM or OpenSSH format. */
  privateKey?: string | undefined
  passphrase?: string | undefined
  /** One line of a `-cert.pub` file. */
  certificate?: string | undefined
}

export interface ConnectSsh {
  /** Opens the way to the server; the connection owns it from then on. */
  openSocket(signal: AbortSignal): Promise<Duplex>
  /** What the host is called: in `knownHostKeys`, in certificates and in errors. */
  host: string
  port: number
  login: SshLogin
  knownHostKeys: readonly KnownHostKey[]
  /** Told of a key that was refused, before the error is thrown. */
  onRefusedHostKey?(verdict: Exclude<HostKeyVerdict, { kind: 'trusted' }>): void
  signal: AbortSignal
  /** For the whole handshake with its login. */
  readyMsMax?: number
}

const readyMs = 15_000
const keepaliveMs = 15_000
const keepalivesMax = 3

const algorithms = {
  kex: { remove: [/sha1/] },
  cipher: { remove: [/cbc|arcfour/] },
  hmac: { remove: [/sha1|md5/] },
  compress: ['none'],
}

/**
 * A connection that is logged in. The host's key is held against the known ones before anything secret is sent. Throws
 * `target_refused`, `target_unreachable`, `step_timeout`, `step_failed` where the key cannot be used, or `signal`'s reason.
 */
export async function connectSsh(how: ConnectSsh): Promise<SshConnection> {
  const { login, signal } = how
  if (/\p{Cc}/u.test(login.username) || login.username === '')
    throw new AppError(
      'step_failed',
      'The user name of the SSH credential holds characters that no user name has.',
    )
  const key =
    login.privateKey === undefined
      ? undefined
      : await openPrivateKey(login.privateKey, login.passphrase, signal)
  const certificate = login.certificate === undefined ? undefined : certificateBytes(login.certificate)
  const socket = await how.openSocket(signal)
  // Commands are many small packets; each would wait for the one before to be acknowledged.
  if (socket instanceof Socket) socket.setNoDelay(true)
  const client = new ssh2.Client()
  let refusal: AppError | undefined
  let isLoggingIn = false
  const hostKeys = hostKeyAlgorithms(how.knownHostKeys)
  permitHostKeyAlgorithms(hostKeys)
  const isTrusted = (shown: Buffer): boolean => {
    const verdict = judgeHostKey(how.knownHostKeys, shown, how)
    if (verdict.kind !== 'trusted') {
      refusal = hostKeyError(verdict, how)
      how.onRefusedHostKey?.(verdict)
      return false
    }
    const hostCertificate = readCertificate(shown)
    if (hostCertificate !== undefined) useCertifiedKey(client, shown, hostCertificate)
    return true
  }
  try {
    return await new Promise<SshConnection>((resolve, reject) => {
      const fail = (reason: unknown) => {
        signal.removeEventListener('abort', stop)
        reject(reason)
      }
      const stop = () => fail(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
      client.once('handshake', () => {
        isLoggingIn = true
      })
      client.once('ready', () => {
        signal.removeEventListener('abort', stop)
        // At once: what ends the connection may come with the same packet.
        resolve(createConnection(client, socket))
      })
      client.on('error', (error) => fail(refusal ?? loginError(error, isLoggingIn)))
      client.once('close', () => fail(refusal ?? loginError(undefined, isLoggingIn)))
      if (signal.aborted) stop()
      client.connect({
        sock: socket as NonNullable<ConnectConfig['sock']>,
        username: login.username,
        readyTimeout: how.readyMsMax ?? readyMs,
        keepaliveInterval: keepaliveMs,
        keepaliveCountMax: keepalivesMax,
        algorithms: { ...algorithms, serverHostKey: hostKeys } as unknown as NonNullable<
          ConnectConfig['algorithms']
        >,
        hostVerifier: isTrusted,
        authHandler: loginSteps(login, key) as unknown as AuthHandlerMiddleware,
      })
      if (certificate !== undefined) loginWithCertificate(client, certificate)
    })
  } catch (error) {
    socket.on('error', () => {}).destroy()
    throw error
  }
}

type LoginStep = { type: AuthenticationType; username: string } & Record<string, unknown>

/** Each way to log in is tried once, and only where the server offers it: a wrong password counts against the user. */
function loginSteps({ username, password }: SshLogin, key: SigningKey | undefined) {
  const steps: LoginStep[] = []
  if (key !== undefined) steps.push({ type: 'publickey', username, key })
  if (password !== undefined)
    steps.push(
      { type: 'password', username, password },
      { type: 'keyboard-interactive', username, prompt: answerOnce(password) },
    )
  return (offered: AuthenticationType[] | null): LoginStep | false => {
    // Asking with nothing tells what the server offers.
    if (offered === null) return { type: 'none', username }
    const at = steps.findIndex(({ type }) => offered.includes(type))
    if (at === -1) return false
    const [step] = steps.splice(at, 1) as [LoginStep]
    if (step.type === 'password') steps.splice(0)
    return step
  }
}

/** The password is given to the first question that hides its answer, and to no other. */
function answerOnce(password: string) {
  let isAnswered = false
  return (
    _name: string,
    _instructions: string,
    _language: string,
    prompts: { echo?: boolean }[],
    answer: (answers: string[]) => void,
  ) => {
    const isPassword = !isAnswered && prompts.length === 1 && prompts[0]?.echo !== true
    isAnswered ||= isPassword
    answer(isPassword ? [password] : prompts.map(() => ''))
  }
}

function certificateBytes(line: string): Buffer {
  const [, base64 = ''] = line.trim().split(/[ \t]+/, 2)
  const bytes = Buffer.from(base64, 'base64')
  if (readCertificate(bytes) === undefined)
    throw new AppError('step_failed', 'The SSH certificate of the credential is damaged.')
  return bytes
}
