import { z } from 'zod'
import { defineCredentialType, secretField } from './define-credential-type.ts'
import { openExtra } from './public-extra.ts'

const partsMax = 50
const partName = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** Names are looked at before values, because a fault of a value names its field, and a wrong name may be the secret. */
const named = z.record(z.string(), z.unknown()).superRefine((parts, context) => {
  const names = Object.keys(parts)
  const refuse = (message: string) => context.addIssue({ code: 'custom', message })
  if (names.length === 0) refuse('must have at least one field')
  if (names.length > partsMax) refuse(`must have at most ${partsMax} fields`)
  if (!names.every((name) => partName.test(name)))
    refuse('has a field name that is not a letter followed by up to 63 letters, digits or . _ -')
})

/** The password in a part that is a URL, decoded. */
function passwordIn(text: string): string[] {
  if (!URL.canParse(text)) return []
  const { password } = new URL(text)
  try {
    return password === '' ? [] : [decodeURIComponent(password)]
  } catch {
    return [password]
  }
}

export const custom = defineCredentialType({
  type: 'custom',
  title: 'Any named secrets',
  mainSecret: 'value',
  secret: named.pipe(z.record(z.string(), secretField)),
  extra: openExtra,
  secretsToRedact: (parts) => Object.values(parts).flatMap(passwordIn),
  check: { kind: 'unavailable', why: 'A custom credential has no protocol to test it by.' },
})
