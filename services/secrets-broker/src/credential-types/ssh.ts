import { z } from 'zod'
import {
  type CredentialFault,
  defineCredentialType,
  secretField,
  secretObject,
} from './define-credential-type.ts'
import { plainName } from './field-schemas.ts'
import { openSshPrivateKey, sshKeyCharactersMax } from './ssh-private-key.ts'

export const sshPrivateKey = secretField.max(
  sshKeyCharactersMax,
  `must have at most ${sshKeyCharactersMax} characters`,
)
export const sshPassphrase = secretField.max(1_000)

async function faults(secret: {
  password?: string | undefined
  private_key?: string | undefined
  passphrase?: string | undefined
}): Promise<CredentialFault[]> {
  const { password, private_key, passphrase } = secret
  if (private_key === undefined) {
    if (passphrase !== undefined)
      return [{ path: 'secret.passphrase', message: 'must come with private_key' }]
    return password === undefined
      ? [{ path: 'secret', message: 'must have password, private_key or both' }]
      : []
  }
  const opened = await openSshPrivateKey({ private_key, passphrase })
  return 'fault' in opened ? [opened.fault] : []
}

export const ssh = defineCredentialType({
  type: 'ssh',
  title: 'SSH password, key or both',
  mainSecret: 'password',
  secret: secretObject({
    password: secretField
      .max(1_000)
      .regex(/^(?!-----BEGIN )/, 'looks like a private key: give it as { "private_key": … }')
      .optional(),
    private_key: sshPrivateKey.optional(),
    passphrase: sshPassphrase.optional(),
  }),
  extra: z.strictObject({ username: plainName }),
  faults,
  check: { kind: 'ssh' },
})
