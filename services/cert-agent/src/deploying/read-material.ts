import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import {
  buildChain,
  CertificateFault,
  type Credentials,
  certificatesToPem,
  findLeaf,
  keyToPem,
  parsePem,
} from '@opsconductor/x509'
import type { DeployedVersion } from './store.ts'

/** What is put on a server, checked. */
export interface Material {
  /** PEM: the certificate, and its chain without the root. */
  fullChain: string
  key: SecretValue
}

/**
 * Key, certificate and chain of a version belong together, hold now, and are for all of `names` (server names; `*.` at the
 * beginning of one stands for any label, `_` for no name). Throws `step_failed`.
 */
export function readMaterial(
  version: Pick<DeployedVersion, 'version' | 'certificatePem' | 'chainPem'>,
  key: SecretValue,
  { names, now }: { names: readonly string[]; now: Date },
): Material {
  const refuse = (why: string) =>
    new AppError('step_failed', `Version ${version.version} of the certificate cannot be deployed: ${why}.`)
  const read = (text: string): Credentials => {
    try {
      return parsePem(text)
    } catch (error) {
      if (!(error instanceof CertificateFault)) throw error
      throw refuse('its key, certificate or chain is damaged')
    }
  }
  const { certificates } = read(version.certificatePem)
  const candidates = version.chainPem === '' ? [] : read(version.chainPem).certificates
  const [privateKey] = read(key.reveal()).keys
  if (privateKey === undefined) throw refuse('its private key is missing')
  const leaf = findLeaf(certificates)
  const { chain, faults } = buildChain({
    ...{ leaf, candidates, now, key: privateKey, purpose: 'server' },
    names: names.filter((name) => name !== '_').map((name) => name.replace(/^\*\./, 'any.')),
  })
  const [fault] = faults
  if (fault !== undefined) throw refuse(fault.message)
  return { fullChain: certificatesToPem(chain), key: new SecretValue(keyToPem(privateKey)) }
}
