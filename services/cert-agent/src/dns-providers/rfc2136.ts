import { HostName } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { commonSettings, defineDnsProvider, noZone, type ProviderTools } from './define-dns-provider.ts'
import { isDnsName, isWithin, zonesThatMayHold } from './dns-name.ts'
import { askServer, type DnsAnswer } from './wire/ask-server.ts'
import { type TsigKey, tsigAlgorithms } from './wire/tsig.ts'
import { encodeUpdate, encodeZoneQuestion } from './wire/update-message.ts'

const settings = z.strictObject({
  server: HostName.describe('The primary server of the zones.'),
  port: z.number().int().min(1).max(65_535).default(53),
  ...commonSettings,
})
type Tools = ProviderTools<z.infer<typeof settings>>

/** Dynamic updates (RFC 2136) signed by TSIG (RFC 8945), as BIND, Knot, PowerDNS and Windows take them. */
export const rfc2136 = defineDnsProvider({
  id: 'rfc2136',
  title: 'DNS update (RFC 2136)',
  settings,
  credentials: ['tsig'],
  presentTxt: (record, tools) => update('add', record, tools),
  removeTxt: (record, tools) => update('remove', record, tools),
})

async function update(
  action: 'add' | 'remove',
  record: { fqdn: string; value: string },
  tools: Tools,
): Promise<void> {
  const zone = await findZone(record.fqdn, tools)
  assertAnswered(await ask(encodeUpdate(action, zone, record), tools))
}

const ask = (message: Buffer, tools: Tools): Promise<DnsAnswer> =>
  askServer({ host: tools.settings.server, port: tools.settings.port }, message, keyOf(tools), tools)

/** The server says in which of its zones the name is: by the SOA record, beside an answer or in its place. */
async function findZone(fqdn: string, tools: Tools): Promise<string> {
  const [zone] = tools.settings.zones === undefined ? [] : zonesThatMayHold(fqdn, tools.settings.zones)
  if (zone !== undefined) return zone
  if (tools.settings.zones !== undefined) throw noZone()
  const answer = await ask(encodeZoneQuestion(fqdn), tools)
  assertAnswered(answer, ['NXDOMAIN'])
  const soa = [...(answer.answers ?? []), ...(answer.authorities ?? [])].find(({ type }) => type === 'SOA')
  if (soa === undefined) throw noZone()
  const name = soa.name.toLowerCase()
  if (!isDnsName(name) || !isWithin(fqdn, name))
    throw new AppError('target_refused', 'The DNS server answered for another zone than was asked for.')
  return name
}

const meanings: Readonly<Record<string, string>> = {
  REFUSED: 'its rules do not let this TSIG key change the name',
  NOTAUTH: 'it is not the primary server of the zone',
  NOTZONE: 'the name is not in the zone',
}

function assertAnswered({ rcode }: DnsAnswer, others: readonly string[] = []): void {
  if (rcode === 'NOERROR' || others.includes(rcode)) return
  if (rcode === 'SERVFAIL') throw new AppError('target_failed', 'The DNS server failed (SERVFAIL).')
  const meaning = meanings[rcode]
  throw new AppError(
    'target_refused',
    `The DNS server refused the request (${rcode})${meaning === undefined ? '' : `: ${meaning}`}.`,
  )
}

function keyOf({ credential: { secret, extra } }: Tools): TsigKey {
  const { key_name: name } = extra
  const algorithm = tsigAlgorithms.find((one) => one === extra.algorithm)
  if (typeof name !== 'string' || secret.secret === undefined)
    throw new AppError('step_failed', 'The credential holds no TSIG key.')
  if (algorithm === undefined)
    throw new AppError('step_failed', `The TSIG key must be for ${tsigAlgorithms.join(', ')}.`)
  return { name, algorithm, secret: secret.secret }
}
