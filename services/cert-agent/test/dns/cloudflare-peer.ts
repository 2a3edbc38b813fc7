import { randomBytes } from 'node:crypto'
import {
  type PeerAnswer,
  type PeerRequest,
  startJsonServer,
  type TestCertificates,
} from '@opsconductor/test-peers'

interface Entry {
  id: string
  type: string
  name: string
  content: string
  ttl: number
}

const ok = (result: unknown): PeerAnswer => ({
  status: 200,
  body: { success: true, errors: [], messages: [], result },
})
const failed = (status: number, code: number, message: string): PeerAnswer => ({
  status,
  body: { success: false, errors: [{ code, message }], messages: [], result: null },
})

/** Cloudflare's API v4 as far as TXT records need it, after https://developers.cloudflare.com/api/resources/dns/. */
export async function startCloudflarePeer(
  certificates: TestCertificates,
  token: string,
  zoneNames: string[],
) {
  const newId = () => randomBytes(16).toString('hex')
  const zones = zoneNames.map((name) => ({ id: newId(), name, records: [] as Entry[] }))
  /** Answers in its place, where one is set. */
  const instead: { answer: ((request: PeerRequest) => PeerAnswer | undefined) | undefined } = {
    answer: undefined,
  }
  const server = await startJsonServer({
    tls: certificates.server,
    answer(request) {
      const { method, path, query, headers } = request
      const other = instead.answer?.(request)
      if (other !== undefined) return other
      if (headers.authorization !== `Bearer ${token}`)
        return failed(403, 9109, `Invalid access token ${headers.authorization}`)
      if (method === 'GET' && path === '/client/v4/zones')
        return ok(
          zones.filter(({ name }) => name === query.get('name')).map(({ id, name }) => ({ id, name })),
        )
      const [, zoneId, recordId] = /^\/client\/v4\/zones\/(\w+)\/dns_records(?:\/(\w+))?$/.exec(path) ?? []
      const zone = zones.find(({ id }) => id === zoneId)
      if (zone === undefined) return failed(404, 7003, 'Could not route to the path')
      if (method === 'GET')
        return ok(
          zone.records.filter((one) => one.type === query.get('type') && one.name === query.get('name')),
        )
      if (method === 'POST')
        return create(zone.records, { ...JSON.parse(request.body), id: newId() }, zone.name)
      const at = zone.records.findIndex(({ id }) => id === recordId)
      return at < 0
        ? failed(404, 81_044, 'Record does not exist.')
        : ok({ id: zone.records.splice(at, 1)[0]?.id })
    },
  })
  return {
    ...server,
    url: `https://127.0.0.1:${server.port}/client/v4`,
    instead,
    valuesOf: (fqdn: string) =>
      zones
        .flatMap(({ records }) => records.filter(({ name }) => name === fqdn).map(({ content }) => content))
        .sort(),
  }
}

function create(records: Entry[], entry: Entry, zone: string): PeerAnswer {
  if (entry.name !== zone && !entry.name.endsWith(`.${zone}`))
    return failed(400, 9005, 'Content for A record is invalid')
  if (records.some(({ name, content }) => name === entry.name && content === entry.content))
    return failed(400, 81_058, 'An identical record already exists.')
  records.push(entry)
  return ok(entry)
}
