import { isDeepStrictEqual } from 'node:util'
import type { Route53Client } from '@aws-sdk/client-route-53'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { openRoute53, route53Error } from './aws/open-route53.ts'
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

const settings = z.strictObject({
  endpoint: HttpsSetting.optional().describe("A partition's or a private endpoint; left out: Amazon's own."),
  hosted_zone_id: z
    .string()
    .regex(/^[A-Z0-9]{1,32}$/, 'must be the id of a hosted zone')
    .optional(),
  ...commonSettings,
})
type Tools = ProviderTools<z.infer<typeof settings>>

/** Amazon Route 53. Its records of one name are one set, changed as a whole. */
export const route53 = defineDnsProvider({
  id: 'route53',
  title: 'Amazon Route 53',
  settings,
  credentials: ['aws'],
  presentTxt: ({ fqdn, value }, tools) =>
    changeValues(fqdn, tools, (values) =>
      values.includes(quoted(value)) ? values : [...values, quoted(value)],
    ),
  removeTxt: ({ fqdn, value }, tools) =>
    changeValues(fqdn, tools, (values) => values.filter((one) => one !== quoted(value))),
})

const quoted = (value: TxtRecord['value']) => `"${value}"`

const triesMax = 5
/** The SDK reads InvalidChangeBatch only where it is wrapped as other errors are; bare, it is unknown to it. */
const overtaken = ['InvalidChangeBatch', 'Unknown']

/**
 * One batch takes the set away as it was read and makes the new one. Route 53 does all of a batch or nothing, and refuses
 * to take away what is not there: who was overtaken reads again.
 */
async function changeValues(
  fqdn: string,
  tools: Tools,
  change: (values: string[]) => string[],
): Promise<void> {
  const { ChangeResourceRecordSetsCommand } = await import('@aws-sdk/client-route-53')
  const client = await openRoute53(tools)
  try {
    const HostedZoneId = tools.settings.hosted_zone_id ?? (await findZone(client, fqdn, tools))
    let before = await readSet(client, HostedZoneId, fqdn, tools)
    for (let tries = 1; ; tries++) {
      const changes = changesOf(fqdn, before, change(before?.values ?? []))
      if (changes.length === 0) return
      try {
        const command = new ChangeResourceRecordSetsCommand({
          HostedZoneId,
          ChangeBatch: { Changes: changes },
        })
        await client.send(command, { abortSignal: tools.signal })
        return
      } catch (error) {
        if (!overtaken.includes((error as Error).name)) throw error
        const read = await readSet(client, HostedZoneId, fqdn, tools)
        // Nobody was there: it is the change itself that is refused.
        if (isDeepStrictEqual(read, before)) throw error
        if (tries === triesMax)
          throw new AppError('target_failed', 'Others change the records of the name at the same time.')
        before = read
      }
    }
  } catch (error) {
    throw route53Error(error, tools.signal)
  } finally {
    client.destroy()
  }
}

interface RecordSet {
  values: string[]
  ttl: number
}

function changesOf(Name: string, before: RecordSet | undefined, values: string[]) {
  if (before === undefined ? values.length === 0 : values.length === before.values.length) return []
  const setOf = ({ values, ttl }: RecordSet) => ({
    ...{ Name, Type: 'TXT' as const, TTL: ttl },
    ResourceRecords: values.map((Value) => ({ Value })),
  })
  return [
    ...(before === undefined ? [] : [{ Action: 'DELETE' as const, ResourceRecordSet: setOf(before) }]),
    ...(values.length === 0
      ? []
      : [
          {
            Action: 'CREATE' as const,
            ResourceRecordSet: setOf({ values, ttl: before?.ttl ?? recordTtlSeconds }),
          },
        ]),
  ]
}

async function findZone(client: Route53Client, fqdn: string, { settings, signal }: Tools): Promise<string> {
  const { ListHostedZonesByNameCommand } = await import('@aws-sdk/client-route-53')
  for (const name of zonesThatMayHold(fqdn, settings.zones)) {
    const command = new ListHostedZonesByNameCommand({ DNSName: name, MaxItems: 10 })
    const { HostedZones = [] } = await client.send(command, { abortSignal: signal })
    const zone = HostedZones.find((one) => one.Name === `${name}.` && one.Config?.PrivateZone !== true)
    const id = zone?.Id?.replace('/hostedzone/', '')
    if (id !== undefined) return id
  }
  throw noZone()
}

async function readSet(
  client: Route53Client,
  HostedZoneId: string,
  fqdn: string,
  { signal }: Tools,
): Promise<RecordSet | undefined> {
  const { ListResourceRecordSetsCommand } = await import('@aws-sdk/client-route-53')
  const command = new ListResourceRecordSetsCommand({
    ...{ HostedZoneId, StartRecordName: fqdn, StartRecordType: 'TXT', MaxItems: 1 },
  })
  const { ResourceRecordSets: [set] = [] } = await client.send(command, { abortSignal: signal })
  if (set?.Name !== `${fqdn}.` || set.Type !== 'TXT') return undefined
  if (set.SetIdentifier !== undefined || set.ResourceRecords === undefined)
    throw new AppError('target_refused', 'The name of the challenge has a routing policy in Route 53.')
  return {
    values: set.ResourceRecords.flatMap(({ Value }) => Value ?? []),
    ttl: set.TTL ?? recordTtlSeconds,
  }
}
