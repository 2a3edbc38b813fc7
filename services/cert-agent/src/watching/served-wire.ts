import type { Served } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Seen } from '../probing/seen.ts'
import type { Judgement } from './judge-vhost.ts'

export type ServedWire = z.infer<typeof Served>

const reasonsMax = 20
const charactersMax = 500

/** As it is kept and shown; a server sends what it likes, so it is cut. */
export const servedToWire = (seen: Seen, { nameMatches, reasons }: Judgement): ServedWire => ({
  serial: seen.serial.slice(0, 64),
  issuer: seen.issuer.slice(0, charactersMax),
  not_after: seen.notAfter.toISOString(),
  protocol: seen.protocol,
  chain_valid: seen.chainValid,
  name_matches: nameMatches,
  reasons: reasons.slice(0, reasonsMax).map((reason) => reason.slice(0, charactersMax)),
})
