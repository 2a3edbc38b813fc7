import { CertificateFault, type CertificateFaultCode } from '../src/certificate-fault.ts'

/** The code of the fault that `run` throws; undefined where it throws none. Any other error is thrown on. */
export function faultOf(run: () => unknown): CertificateFaultCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof CertificateFault) return error.code
    throw error
  }
}
