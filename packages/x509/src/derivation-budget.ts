import { CertificateFault } from './certificate-fault.ts'
import { derivationWorkMax } from './limits.ts'

/** What is left of the work that one input may cause; asked before the work is done. */
export interface DerivationBudget {
  /** `work` in iterations of PBKDF2. Throws `too_much_work`. */
  spend(work: number): void
}

export function createDerivationBudget(): DerivationBudget {
  let left = derivationWorkMax
  return {
    spend(work) {
      left -= work
      if (!(left >= 0))
        throw new CertificateFault(
          'too_much_work',
          'Its encryption asks for more iterations than are allowed here.',
        )
    },
  }
}
