import { secretLengthMin } from '@opsconductor/redact'
import { z } from 'zod'

/** A kind of credential: one file of this room, its test and one line in index.ts. */
export interface CredentialType<
  Secret extends Record<string, string> = Record<string, string>,
  Extra extends Record<string, unknown> = Record<string, unknown>,
> {
  type: string
  title: string
  /** The field that a `secret` given as a plain string is. */
  mainSecret: keyof Secret & string
  /** The secret parts; encrypted at rest, never shown. */
  secret: z.ZodType<Secret>
  /** The public parts; shown to whoever may read credentials. */
  extra: z.ZodType<Extra>
  /** Every text that must not come back from a target. Each has at least 4 characters, or the credential is refused. */
  secretsToRedact(secret: Secret): string[]
}

// The list holds types of every shape; their functions are only ever called with what their own schemas parsed.
export type AnyCredentialType = Omit<CredentialType, 'secretsToRedact'> & {
  secretsToRedact(secret: never): string[]
}

export function defineCredentialType<
  Secret extends Record<string, string>,
  Extra extends Record<string, unknown>,
>(type: CredentialType<Secret, Extra>): AnyCredentialType {
  return type
}

export const tooShort = `must have at least ${secretLengthMin} characters, so that it can be removed from what targets echo`

/** A secret part. */
export const secretField = z
  .string()
  .min(secretLengthMin, { error: ({ input }) => (input === '' ? 'must not be empty' : tooShort) })
  .regex(/\S/, 'must not be blank')

/** A secret part that travels in a header: visible ASCII, so that it can neither end the header nor be mangled. */
export const headerSecretField = secretField.regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces')

/** The secret parts of a type. A surplus field is not named: its name may be the secret, put in the wrong place. */
export const secretObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? 'has a field that this credential type does not have' : undefined,
  })
