import { z } from 'zod'

/** Fields that several credential types have. */

/** A host by name or address, as it stands in a URL; never a path, a list or something percent-encoded. */
export const hostName = z
  .string()
  .min(1)
  .max(255)
  .regex(
    /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)$/,
    'must be a host name or an address',
  )

export const portNumber = z.number().int().min(1).max(65_535)

/** A name that travels in a protocol's field: neither empty nor with control characters. */
export const plainName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters')

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Where secrets are sent to: https, or http on this machine; nothing secret in it. */
export const secureUrl = z
  .string()
  .max(2_000)
  .superRefine((text, context) => {
    const message = faultOfUrl(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

function faultOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be an https URL'
  const { protocol, hostname, username, password, hash } = new URL(text)
  if (protocol !== 'https:' && !(protocol === 'http:' && loopback.has(hostname)))
    return 'must be an https URL'
  if (username !== '' || password !== '') return 'must not hold a user name or a password'
  return hash === '' ? undefined : 'must not have a fragment'
}

/** The bytes of strict base64 (RFC 4648 section 4), undefined where it is none. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined
}
