import { AppError } from '@opsconductor/errors'
import { parsePem } from '@opsconductor/x509'
import { z } from 'zod'
import { Directory } from './answers.ts'
import { type AcmeDeps, openTransport } from './open-transport.ts'
import { notAcme } from './transport.ts'

// RFC 9773, which acme-client does not have.

export interface RenewalWindow {
  start: Date
  end: Date
  askAgainAt: Date
  /** A page of the CA's that says why. */
  explanationUrl?: string
}

const Answer = z.object({
  suggestedWindow: z.object({
    start: z.iso.datetime({ offset: true }),
    end: z.iso.datetime({ offset: true }),
  }),
  explanationURL: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional()
    .catch(undefined),
})

/** Section 4.3.2: between a minute and a day, six hours where the CA says nothing. */
const askAgain = { secondsMin: 60, secondsMax: 86_400, seconds: 21_600 }

/** When the CA would have the certificate renewed; undefined where it has no opinion. Throws what `problemError` has. */
export async function askRenewalInfo(
  deps: AcmeDeps,
  of: { projectId: string; directoryUrl: string; certificatePem: string; signal: AbortSignal },
): Promise<RenewalWindow | undefined> {
  const id = renewalIdOf(of.certificatePem)
  const transport = await openTransport(deps, of)
  try {
    const directory = Directory.safeParse((await transport.request(of.directoryUrl, 'get')).data)
    if (!directory.success) throw notAcme()
    const { renewalInfo } = directory.data
    if (renewalInfo === undefined || id === undefined) return undefined
    const url = `${renewalInfo.replace(/\/$/, '')}/${id}`
    const answer = Answer.safeParse((await transport.request(url, 'get')).data)
    if (!answer.success) throw notAcme()
    const { suggestedWindow, explanationURL } = answer.data
    const [start, end] = [new Date(suggestedWindow.start), new Date(suggestedWindow.end)]
    // Section 4.2: such a window is no window.
    if (end <= start) return undefined
    const seconds = Math.min(
      Math.max(transport.waitOf(url) ?? askAgain.seconds, askAgain.secondsMin),
      askAgain.secondsMax,
    )
    return {
      ...{ start, end, askAgainAt: new Date(deps.now().getTime() + seconds * 1_000) },
      ...(explanationURL === undefined ? {} : { explanationUrl: explanationURL }),
    }
  } catch (error) {
    // A CA that does not know the certificate says so in many ways.
    if (error instanceof AppError && error.code === 'target_refused') return undefined
    throw error
  } finally {
    await transport.close()
  }
}

/** Section 4.1: who signed it and its serial number; undefined where the certificate does not say who signed it. */
export function renewalIdOf(certificatePem: string): string | undefined {
  const [certificate] = parsePem(certificatePem).certificates
  const authority = certificate?.extensions.authorityKeyId
  if (certificate === undefined || authority === undefined) return undefined
  const serial = Buffer.from(certificate.x509.serialNumber, 'hex')
  // As DER has it: a number whose first bit is set would be negative.
  const signed = (serial[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), serial]) : serial
  return `${authority.toString('base64url')}.${signed.toString('base64url')}`
}
