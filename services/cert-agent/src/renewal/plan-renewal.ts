import type { Deps } from '../deps.ts'
import { fetchRenewalInfo } from '../issuing/fetch-renewal-info.ts'
import { earlyMax, renewalTime } from './renewal-time.ts'

/** A CA that did not answer is asked again after this. */
const askAgainMs = 3_600_000
/** One that has no opinion: on a certificate that it has just issued it may have one later. */
const askAgainOfNoneMs = 24 * 3_600_000
const askMsMax = 30_000

// A type, because an interface is no JSON to the compiler.
type KeptInfo = {
  ask_again_at: string
  /** The window; left out where the CA gave none. */
  start?: string
  end?: string
  explanation_url?: string
}

/** Writes down when the certificate is renewed by itself, as its CA says now; that a CA cannot be asked changes nothing. */
export async function planRenewal(
  deps: Parameters<typeof fetchRenewalInfo>[0] & Pick<Deps, 'certificates' | 'events' | 'now'>,
  certificateId: string,
  signal: AbortSignal,
): Promise<void> {
  const certificate = await deps.certificates.findById(certificateId)
  const version = certificate && (await deps.certificates.findVersion(certificateId, certificate.version))
  if (version === undefined) return
  const { autoRenew, source, state } = certificate ?? {}
  if (!autoRenew || source !== 'acme' || state !== 'valid')
    return void (await deps.certificates.unsetRenewal(certificateId))
  const info = await ask(deps, certificateId, signal, certificate?.renewalInfo as KeptInfo | null)
  const renewAt = renewalTime({
    certificateId,
    notBefore: version.notBefore,
    notAfter: version.notAfter,
    window: windowOf(info),
    issuedAt: await deps.certificates.listIssuedAt(certificateId, earlyMax.versions),
  })
  await deps.certificates.setRenewal(
    { id: certificateId, version: version.version },
    { renewAt, renewalInfo: info },
  )
}

const windowOf = ({ start, end }: KeptInfo) =>
  start === undefined || end === undefined ? undefined : { start: new Date(start), end: new Date(end) }

async function ask(
  deps: Parameters<typeof planRenewal>[0],
  certificateId: string,
  signal: AbortSignal,
  kept: KeptInfo | null,
): Promise<KeptInfo> {
  const afterMs = (ms: number): KeptInfo => ({
    ask_again_at: new Date(deps.now().getTime() + ms).toISOString(),
  })
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(askMsMax)])
    const info = await fetchRenewalInfo(deps, { certificateId, signal: within })
    if (info === undefined) return afterMs(askAgainOfNoneMs)
    return {
      ask_again_at: info.askAgainAt.toISOString(),
      start: info.start.toISOString(),
      end: info.end.toISOString(),
      ...(info.explanationUrl === undefined ? {} : { explanation_url: info.explanationUrl }),
    }
  } catch (error) {
    signal.throwIfAborted()
    deps.events.renewalInfoNotHad(certificateId, error)
    return { ...kept, ...afterMs(askAgainMs) }
  }
}
