import type { SecretValue } from '@opsconductor/redact'
import { canonicalName } from '../acme/identifiers.ts'

/** A certificate request (PKCS #10) in PEM. Its names are the alternative names alone; there is no common name. */
export async function makeRequest(key: SecretValue, names: readonly string[]): Promise<string> {
  const { crypto } = await import('acme-client')
  const [, pem] = await crypto.createCsr({ altNames: names.map(canonicalName) }, key.reveal())
  return pem.toString()
}
