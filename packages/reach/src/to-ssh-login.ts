import { AppError } from '@opsconductor/errors'
import type { SshLogin } from '@opsconductor/ssh'
import type { HeldCredential } from './held-credential.ts'

/** What a credential of these types logs in with. */
export function toSshLogin({ secret, extra }: HeldCredential): SshLogin {
  if (typeof extra.username !== 'string')
    throw new AppError('step_failed', 'The SSH credential has no user name.')
  return {
    username: extra.username,
    password: secret.password?.reveal(),
    privateKey: secret.private_key?.reveal(),
    passphrase: secret.passphrase?.reveal(),
    certificate: typeof extra.certificate === 'string' ? extra.certificate : undefined,
  }
}
