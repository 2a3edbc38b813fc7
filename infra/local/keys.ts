import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { databaseRoles } from '@opsconductor/database'

/** The stack's keys, made once and kept as one file each (0600) in a directory of 0700. */
export interface Keys {
  internalKey: string
  internalKeyOf(service: string): string
  secretsKmsKey: string
  apiKeyPepper: string
  sessionSigningKey: string
  grantSigningKey: string
  postgresPassword: string
  rolePassword(role: string): string
  adminPassword: string
  demo: { statusPassword: string; databasePassword: string }
}

const randomKey = () => randomBytes(32).toString('base64')
const randomPassword = () => randomBytes(18).toString('base64url')

function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export function loadKeys(directory: string): Keys {
  const keep = (name: string, make: () => string): string => keepFile(join(directory, name), make)
  const rolePasswords = new Map(
    Object.values(databaseRoles).map(({ role }) => [
      role as string,
      keep(`postgres-${role}`, randomPassword),
    ]),
  )
  return {
    internalKey: keep('internal-key', randomKey),
    internalKeyOf: (service) => keep(`internal-key-${service}`, randomKey),
    secretsKmsKey: keep('secrets-kms-key', randomKey),
    apiKeyPepper: keep('api-key-pepper', randomKey),
    sessionSigningKey: keep('session-signing-key.pem', newSigningKey),
    grantSigningKey: keep('grant-signing-key.pem', newSigningKey),
    postgresPassword: keep('postgres-superuser', randomPassword),
    rolePassword: (role) => rolePasswords.get(role) as string,
    adminPassword: keep('admin-password', randomPassword),
    demo: {
      statusPassword: keep('demo-status-password', randomPassword),
      databasePassword: keep('demo-database-password', randomPassword),
    },
  }
}

function keepFile(file: string, make: () => string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const value = make()
  // Renamed into place, so that a crash can't leave half a key.
  writeFileSync(`${file}.new`, `${value.trim()}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return value.trim()
}
