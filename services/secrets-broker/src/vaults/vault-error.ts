import { AppError, type ErrorCode } from '@opsconductor/errors'

export type VaultErrorCode = Extract<ErrorCode, `vault_${string}`>

interface Options {
  /** For the log: a vault's own error code, a status. Never a text of the vault, which may quote a secret. */
  facts?: Record<string, unknown>
  retryAfterSeconds?: number | undefined
}

/** `detail` is ours, never the vault's own words. */
export const vaultError = (
  code: VaultErrorCode,
  detail: string,
  { facts, retryAfterSeconds }: Options = {},
): AppError =>
  new AppError(code, detail, {
    ...(facts === undefined ? {} : { internal: facts }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })

export const isVaultError = (error: unknown): error is AppError =>
  error instanceof AppError && error.code.startsWith('vault_')

/** Errors that say that the vault itself is in trouble, not that one secret is. */
export const isOutage = (error: unknown): boolean =>
  error instanceof AppError &&
  (error.code === 'vault_unreachable' || error.code === 'vault_sealed' || error.code === 'vault_throttled')
