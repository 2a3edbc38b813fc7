import { HostName } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { TlsInspection } from '@opsconductor/reach'
import { z } from 'zod'

export const TlsExpectations = z
  .object({
    trusted: z
      .boolean()
      .optional()
      .describe('True: the chain is valid and the certificate is for the server name.'),
    days_left_min: z
      .number()
      .int()
      .min(0)
      .max(10_000)
      .optional()
      .describe('Whole days that must be left at least.'),
    name: HostName.optional().describe('A further name that the certificate must be for.'),
    protocol_min: z.enum(['TLSv1.2', 'TLSv1.3']).optional().describe('The oldest protocol that will do.'),
    issuer: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe(
        "The issuer's whole name as the result shows it, or one part of it, such as its organisation.",
      ),
    serial: z
      .string()
      .max(100)
      .regex(/^[0-9A-Fa-f:]+$/, 'must be hexadecimal')
      .optional()
      .describe("The certificate's serial number in hexadecimal."),
  })
  .strict()
export type TlsExpectations = z.infer<typeof TlsExpectations>

/** Throws `target_refused` with everything that is not as expected. */
export function assertAsExpected(expected: TlsExpectations, seen: TlsInspection): void {
  const faults = faultsOf(expected, seen)
  if (faults.length > 0) throw new AppError('target_refused', `Not as expected: ${faults.join('; ')}.`)
}

function faultsOf(expected: TlsExpectations, seen: TlsInspection): string[] {
  const [leaf] = seen.chain
  const faults: string[] = []
  if (expected.trusted && seen.reasons.length > 0)
    faults.push(`the server is not trusted (${seen.reasons.map(({ code }) => code).join(', ')})`)
  if (expected.days_left_min !== undefined && seen.daysLeft < expected.days_left_min)
    faults.push(`${seen.daysLeft} days are left, fewer than ${expected.days_left_min}`)
  if (expected.name !== undefined && !seen.isValidFor(expected.name))
    faults.push(`the certificate is not for ${expected.name}`)
  if (expected.protocol_min !== undefined && seen.protocol < expected.protocol_min)
    faults.push(`the protocol is ${seen.protocol}`)
  if (expected.issuer !== undefined && !isNamed(leaf?.issuer ?? '', expected.issuer))
    faults.push('the issuer is another')
  if (expected.serial !== undefined && plainSerial(leaf?.serial ?? '') !== plainSerial(expected.serial))
    faults.push('the serial number is another')
  return faults
}

/** `CN=R11, O=Let's Encrypt` is named by itself, by `R11` and by `Let's Encrypt`. */
const isNamed = (issuer: string, wanted: string): boolean =>
  issuer === wanted || issuer.split(', ').some((part) => part.slice(part.indexOf('=') + 1) === wanted)

const plainSerial = (text: string): string => text.replaceAll(':', '').replace(/^0+/, '').toLowerCase()
