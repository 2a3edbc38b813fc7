import type { CertificateColumns } from './define-credential-type.ts'

/**
 * The public parts as they could have been given: the certificate columns of a row stand in `extra` again, so that a
 * change that leaves them out keeps them, and a borrower gets them.
 */
export const extraWithCertificate = ({
  extra,
  certificate,
  certificateChain,
}: Pick<CertificateColumns, 'certificate' | 'certificateChain'> & { extra: Record<string, unknown> }): Record<
  string,
  unknown
> => ({
  ...extra,
  ...(certificate === null ? {} : { certificate }),
  ...(certificateChain === null ? {} : { certificate_chain: certificateChain }),
})
