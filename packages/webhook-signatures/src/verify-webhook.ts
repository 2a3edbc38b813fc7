import { timingSafeEqual } from 'node:crypto'
import { githubMac, githubSignatureHeader } from './github.ts'
import { decodeBase64, faultOfSigningSecret, standardKeyOf } from './signing-secret.ts'
import { type HeaderFault, type ReceivedHeaders, singleHeader } from './single-header.ts'
import { standardHeaders, standardMac, webhookIdPattern } from './standard.ts'

/** Why a webhook is not to be believed. Codes are stable. */
export type WebhookFault =
  | HeaderFault
  | 'malformed_id'
  | 'malformed_timestamp'
  | 'timestamp_too_old'
  | 'timestamp_too_new'
  | 'malformed_signature'
  | 'too_many_signatures'
  /** None of the signatures is of a version that we check. */
  | 'unknown_signature_version'
  | 'signature_mismatch'
  /** Ours to repair: no secret was given that could have signed anything. */
  | 'no_usable_secret'

export type WebhookVerdict =
  /** `id`: receivers keep it for as long as `toleranceSeconds`, so that a replay is noticed; GitHub's style signs none. */
  { valid: true; id: string | null } | { valid: false; code: WebhookFault }

export interface ReceivedWebhook {
  style: 'standard' | 'github'
  /** Any of them may have signed it. */
  secrets: readonly string[]
  headers: ReceivedHeaders
  /** Exactly as it was received, before anything parsed it. */
  body: string | Uint8Array
  now: Date
  /** How far the sender's clock may be from `now`, either way. GitHub's style has no time in it, and so no such check. */
  toleranceSeconds?: number
}

const toleranceSecondsByDefault = 300
const signaturesMax = 20
const signatureCharactersMax = 200
const macBytes = 32

const refused = (code: WebhookFault): WebhookVerdict => ({ valid: false, code })

/** Whether a received webhook was signed by one of the secrets, and when. Never throws, whatever was received. */
export const verifyWebhook = (received: ReceivedWebhook): WebhookVerdict =>
  received.style === 'github' ? verifyGithub(received) : verifyStandard(received)

function verifyStandard(received: ReceivedWebhook): WebhookVerdict {
  const id = singleHeader(received.headers, standardHeaders.id)
  if ('fault' in id) return refused(id.fault)
  const timestamp = singleHeader(received.headers, standardHeaders.timestamp)
  if ('fault' in timestamp) return refused(timestamp.fault)
  const signature = singleHeader(received.headers, standardHeaders.signature)
  if ('fault' in signature) return refused(signature.fault)
  if (!webhookIdPattern.test(id.value)) return refused('malformed_id')
  const late = faultOfTime(timestamp.value, received)
  if (late !== undefined) return refused(late)
  const signatures = readSignatures(signature.value)
  if (typeof signatures === 'string') return refused(signatures)
  const keys = usable(received.secrets).map(standardKeyOf)
  if (keys.length === 0) return refused('no_usable_secret')
  const expected = keys.map((key) => standardMac(key, id.value, timestamp.value, received.body))
  return holdsOneOf(signatures, expected) ? { valid: true, id: id.value } : refused('signature_mismatch')
}

function verifyGithub({ headers, secrets, body }: ReceivedWebhook): WebhookVerdict {
  const signature = singleHeader(headers, githubSignatureHeader)
  if ('fault' in signature) return refused(signature.fault)
  const hex = /^sha256=([0-9a-f]{64})$/.exec(signature.value)?.[1]
  if (hex === undefined) return refused('malformed_signature')
  const keys = usable(secrets)
  if (keys.length === 0) return refused('no_usable_secret')
  const expected = keys.map((secret) => githubMac(secret, body))
  return holdsOneOf([Buffer.from(hex, 'hex')], expected)
    ? { valid: true, id: null }
    : refused('signature_mismatch')
}

/** Written so that a clock that is no number refuses. */
function faultOfTime(
  timestamp: string,
  { now, toleranceSeconds = toleranceSecondsByDefault }: ReceivedWebhook,
): WebhookFault | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return 'malformed_timestamp'
  const age = now.getTime() / 1000 - Number(timestamp)
  if (!(age <= toleranceSeconds)) return 'timestamp_too_old'
  return age >= -toleranceSeconds ? undefined : 'timestamp_too_new'
}

/** The signatures of version 1, of a list parted by spaces. Others are passed over: senders change versions too. */
function readSignatures(text: string): Buffer[] | WebhookFault {
  if (text.length > signaturesMax * signatureCharactersMax) return 'too_many_signatures'
  const parts = text.split(' ')
  if (parts.length > signaturesMax) return 'too_many_signatures'
  if (!parts.every((part) => /^[A-Za-z0-9]+,[A-Za-z0-9+/_-]+={0,2}$/.test(part))) return 'malformed_signature'
  const ours = parts.filter((part) => part.startsWith('v1,'))
  if (ours.length === 0) return 'unknown_signature_version'
  const signatures = ours.map((part) => decodeBase64(part.slice('v1,'.length)))
  return signatures.every((bytes) => bytes?.length === macBytes)
    ? (signatures as Buffer[])
    : 'malformed_signature'
}

const usable = (secrets: readonly string[]): string[] =>
  secrets.filter((secret) => faultOfSigningSecret(secret) === undefined)

/** Compares each with each, whatever was found before. */
function holdsOneOf(signatures: readonly Buffer[], expected: readonly Buffer[]): boolean {
  let found = false
  for (const signature of signatures)
    for (const mac of expected) found = timingSafeEqual(signature, mac) || found
  return found
}
