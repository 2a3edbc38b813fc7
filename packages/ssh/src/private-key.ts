import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { AppError } from '@opsconductor/errors'
import ssh2 from 'ssh2'
import { type OpenedKey, openNow } from './open-private-key.ts'

const threadMsMax = 20_000
const charactersMax = 16_384

/** A private key that ssh2 signs with. */
export type SigningKey = ssh2.ParsedKey

/**
 * Opens a private key in PEM or OpenSSH format. One with a passphrase is opened in a thread: its derivation takes up to
 * two seconds of a processor, in which nobody else would be served. Throws `step_failed`; no message quotes the key.
 */
export async function openPrivateKey(
  privateKey: string,
  passphrase: string | undefined,
  signal: AbortSignal,
): Promise<SigningKey> {
  if (privateKey.length > charactersMax) throw unusable()
  const opened =
    passphrase === undefined
      ? openNow({ privateKey, passphrase })
      : await openInThread({ privateKey, passphrase }, signal)
  if (opened === undefined) throw unusable()
  const key = ssh2.utils.parseKey(opened.privateKey)
  if (key instanceof Error || !key.isPrivateKey()) throw unusable()
  return key
}

/** One after the other, so that many connections at once do not take all processors. */
let last: Promise<unknown> = Promise.resolve()

function openInThread(
  given: { privateKey: string; passphrase: string },
  signal: AbortSignal,
): Promise<OpenedKey | undefined> {
  const opened = last.then(() => runThread(given, signal))
  last = opened.catch(() => {})
  return opened
}

async function runThread(workerData: object, signal: AbortSignal): Promise<OpenedKey | undefined> {
  signal.throwIfAborted()
  // Nothing that the thread prints may reach the log: it works on secrets.
  const worker = new Worker(new URL('./open-private-key-thread.ts', import.meta.url), {
    workerData,
    stdout: true,
    stderr: true,
  })
  const timeout = AbortSignal.timeout(threadMsMax)
  try {
    const [opened] = await once(worker, 'message', { signal: AbortSignal.any([signal, timeout]) })
    return opened as OpenedKey | undefined
  } catch {
    signal.throwIfAborted()
    throw new AppError('step_timeout', 'The private key could not be opened in time.')
  } finally {
    await worker.terminate()
  }
}

const unusable = () =>
  new AppError('step_failed', 'The private key cannot be used, or its passphrase does not open it.')
