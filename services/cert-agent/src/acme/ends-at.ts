import { CertificateFault, parsePem } from '@opsconductor/x509'

/** Whether the last certificate of the chain was issued by an authority of this common name; false of what is no chain. */
export function endsAt(pem: string, commonName: string): boolean {
  try {
    const issuer = parsePem(pem).certificates.at(-1)?.x509.issuer ?? ''
    return issuer.split('\n').includes(`CN=${commonName}`)
  } catch (error) {
    if (error instanceof CertificateFault) return false
    throw error
  }
}
