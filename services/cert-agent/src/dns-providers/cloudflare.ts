import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import {
  commonSettings,
  defineDnsProvider,
  noZone,
  type ProviderTools,
  recordTtlSeconds,
  type TxtRecord,
} from './define-dns-provider.ts'
import { zonesThatMayHold } from './dns-name.ts'
import { HttpsSetting } from './https-setting.ts'
import { providerFailure } from './provider-failure.ts'

const settings = z.strictObject({
  base_url: HttpsSetting.default('https://api.cloudflare.com/client/v4'),
  ...commonSettings,
})
type Tools = ProviderTools<z.infer<typeof settings>>

/** https://developers.cloudflare.com/api/resources/dns/subresources/records/ */
export const cloudflare = defineDnsProvider({
  id: 'cloudflare',
  title: 'Cloudflare',
  settings,
  credentials: ['bearer_token'],
  async presentTxt({ fqdn, value }, tools) {
    const zone = await findZone(fqdn, tools)
    const record = { type: 'TXT', name: fqdn, content: `"${value}"`, ttl: recordTtlSeconds }
    await call(tools, 'POST', `/zones/${zone}/dns_records`, { body: record, mayFailWith: alreadyThere })
  },
  async removeTxt(record, tools) {
    const zone = await findZone(record.fqdn, tools)
    for (const id of await findRecords(zone, record, tools))
      await call(tools, 'DELETE', `/zones/${zone}/dns_records/${id}`, { mayFailWith: notThere })
  },
})

/** Codes of errors: an identical record exists; the record does not exist. */
const alreadyThere = [81_057, 81_058]
const notThere = [81_044]

const Identifier = z.string().regex(/^[0-9a-f]{32}$/)
const Zones = z.array(z.object({ id: Identifier, name: z.string().max(255) }))
const Records = z.array(
  z.object({ id: Identifier, type: z.string(), name: z.string(), content: z.string().optional() }),
)

async function findZone(fqdn: string, tools: Tools): Promise<string> {
  for (const name of zonesThatMayHold(fqdn, tools.settings.zones)) {
    const found = Zones.safeParse(await call(tools, 'GET', `/zones?${new URLSearchParams({ name })}`))
    if (!found.success) throw unfit()
    const zone = found.data.find((one) => one.name.toLowerCase() === name)
    if (zone !== undefined) return zone.id
    if (found.data.length > 0)
      throw new AppError('target_refused', 'Cloudflare answered for another zone than was asked for.')
  }
  throw noZone()
}

async function findRecords(zone: string, { fqdn, value }: TxtRecord, tools: Tools): Promise<string[]> {
  const query = new URLSearchParams({ type: 'TXT', name: fqdn, per_page: '100' })
  const found = Records.safeParse(await call(tools, 'GET', `/zones/${zone}/dns_records?${query}`))
  if (!found.success) throw unfit()
  return found.data
    .filter(({ type, name }) => type === 'TXT' && name.toLowerCase() === fqdn)
    .filter(({ content }) => content?.replace(/^"(.*)"$/, '$1') === value)
    .map(({ id }) => id)
}

const Envelope = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number() })).default([]),
  result: z.unknown(),
})

/** The answer's `result`; undefined where it failed with one of the codes. */
async function call(
  { settings, credential, outbound, signal }: Tools,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, mayFailWith = [] }: { body?: unknown; mayFailWith?: readonly number[] } = {},
): Promise<unknown> {
  const { status, headers, text } = await outbound.send({
    method,
    url: `${settings.base_url}${path}`,
    headers: {
      authorization: `Bearer ${credential.secret.token?.reveal() ?? ''}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  })
  const answer = Envelope.safeParse(parsed(text))
  if (status === 200 && answer.success && answer.data.success) return answer.data.result
  const codes = answer.success ? answer.data.errors.map(({ code }) => code) : []
  if (codes.some((code) => mayFailWith.includes(code))) return undefined
  if (status === 200 && !answer.success) throw unfit()
  throw providerFailure('Cloudflare', { status, headers, code: codes[0]?.toString() })
}

const unfit = () => new AppError('target_refused', 'Cloudflare gave an answer that cannot be used.')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
