import { createHash } from 'node:crypto'
import type { KeyVerification, VerifiedApiKey } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { isWellFormedApiKey } from './api-key-format.ts'
import { createKeyUse } from './key-use.ts'

/** The part of a `CachedLookup` (packages/events) that the verifier needs. */
interface Cache {
  get(digest: string, load: () => Promise<KeyVerification>): Promise<KeyVerification>
}

export interface KeyVerifierOptions {
  /** Answers of api-key by the key's SHA-256, so that no key sits in a map. */
  cache: Cache
  /** Asks api-key. */
  verify(key: string): Promise<KeyVerification>
  /** Tells api-key which keys were used; what fails is told again with the next. */
  reportUse(items: { key_id: string; used_at: string }[]): Promise<unknown>
  onReportError(error: unknown): void
  now?: () => number
  reportEveryMs?: number
}

export interface KeyVerifier {
  /** What the key opens; throws the AppError (401) that says why it opens nothing. */
  verify(key: string | undefined): Promise<VerifiedApiKey>
  /** Reports the uses not yet reported. */
  stop(): Promise<void>
}

export function createKeyVerifier(options: KeyVerifierOptions): KeyVerifier {
  const now = options.now ?? Date.now
  const use = createKeyUse({
    write: (items) =>
      options.reportUse(
        items.map(({ keyId, usedAt }) => ({ key_id: keyId, used_at: new Date(usedAt).toISOString() })),
      ),
    onWriteError: options.onReportError,
    ...(options.reportEveryMs === undefined ? {} : { everyMs: options.reportEveryMs }),
  })

  return {
    async verify(key) {
      if (key === undefined || key === '')
        throw new AppError('missing_api_key', 'Send your API key in the X-API-Key header.')
      if (!isWellFormedApiKey(key)) throw refuse('malformed_api_key')
      const answer = await options.cache.get(digestOf(key), () => options.verify(key))
      if (!answer.valid) throw refuse(answer.code)
      if (answer.expires_at !== null && Date.parse(answer.expires_at) <= now())
        throw refuse('expired_api_key')
      use.record(answer.key_id, now())
      return answer
    },
    stop: use.stop,
  }
}

type Refusal = Extract<KeyVerification, { valid: false }>['code']

function refuse(code: Refusal): AppError {
  const details: Record<Refusal, string> = {
    malformed_api_key: 'The API key is malformed; was it copied whole?',
    unknown_api_key: 'The API key is not known.',
    revoked_api_key: 'The API key was revoked.',
    expired_api_key: 'The API key has expired.',
  }
  return new AppError(code, details[code])
}

const digestOf = (key: string) => createHash('sha256').update(key).digest('base64')
