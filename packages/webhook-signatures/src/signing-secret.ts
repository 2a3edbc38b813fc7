/** What Standard Webhooks puts before a secret whose bytes follow in base64. */
const prefix = 'whsec_'
const plainCharactersMin = 16
const bytesMin = 24
const bytesMax = 64

/** What is wrong with a signing secret, for a person and without quoting it; undefined where nothing is. */
export function faultOfSigningSecret(secret: string): string | undefined {
  if (!secret.startsWith(prefix))
    return secret.length >= plainCharactersMin
      ? undefined
      : `must have at least ${plainCharactersMin} characters, or begin with ${prefix}`
  const bytes = decodeBase64(secret.slice(prefix.length))
  return bytes !== undefined && bytes.length >= bytesMin && bytes.length <= bytesMax
    ? undefined
    : `must hold ${bytesMin} to ${bytesMax} bytes in base64 after ${prefix}`
}

/** The key of Standard Webhooks: the bytes behind `whsec_`, or a plain text's UTF-8. For a secret without a fault. */
export const standardKeyOf = (secret: string): Buffer =>
  secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret, 'utf8')

/** Undefined where the text is no base64; Node's decoder passes over what is none. Padding may be left out. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return withoutPadding(bytes.toString('base64')) === withoutPadding(text) ? bytes : undefined
}

const withoutPadding = (text: string): string => text.replace(/={1,2}$/, '')
