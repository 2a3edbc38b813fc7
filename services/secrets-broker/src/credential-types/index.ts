import { apiKey } from './api-key.ts'
import { bearerToken } from './bearer-token.ts'
import { dbDsn } from './db-dsn.ts'
import type { AnyCredentialType } from './define-credential-type.ts'
import { httpBasic } from './http-basic.ts'

const credentialTypes = [httpBasic, bearerToken, apiKey, dbDsn]

const byType = new Map<string, AnyCredentialType>(credentialTypes.map((type) => [type.type, type]))

export const credentialTypeNames: readonly string[] = [...byType.keys()]

export const findCredentialType = (name: string): AnyCredentialType | undefined => byType.get(name)
