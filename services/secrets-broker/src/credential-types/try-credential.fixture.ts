import { AppError } from '@opsconductor/errors'
import { type GivenCredential, parseCredential } from './parse-credential.ts'

/** The paths and messages that a credential is refused with; none where it is taken. */
export async function faultsOf(
  type: string,
  secret: GivenCredential['secret'],
  extra: Record<string, unknown> = {},
): Promise<[path: string, message: string][]> {
  try {
    await parseCredential({ type, secret, extra })
    return []
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'validation_failed') throw error
    return (error.errors ?? []).map(({ path, message }) => [path, message])
  }
}

/** The same without messages; a path with two faults stands there once. */
export const faultPaths = async (...given: Parameters<typeof faultsOf>): Promise<string[]> => [
  ...new Set((await faultsOf(...given)).map(([path]) => path)),
]
