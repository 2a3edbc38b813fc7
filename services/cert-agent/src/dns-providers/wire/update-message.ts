import { encode } from 'dns-packet'
import { recordTtlSeconds, type TxtRecord } from '../define-dns-provider.ts'

const updateOpcode = 5 << 11
/** RFC 2136 section 2.5.4: takes this one record away. dns-packet has no word for it. */
const noneClass = 254

/** RFC 2136: one TXT record more, or one less, in the zone. */
export function encodeUpdate(action: 'add' | 'remove', zone: string, { fqdn, value }: TxtRecord): Buffer {
  const message = encode({
    type: 'query',
    flags: updateOpcode,
    questions: [{ name: zone, type: 'SOA' }],
    authorities: [{ name: fqdn, type: 'TXT', ttl: action === 'add' ? recordTtlSeconds : 0, data: value }],
  })
  if (action === 'remove') message.writeUInt16BE(noneClass, classOfUpdate(zone, fqdn))
  return message
}

/** After the header, the zone with type and class, and the record's name and type; names have a byte more at both ends. */
const classOfUpdate = (zone: string, fqdn: string): number =>
  12 + (zone.length + 2 + 4) + (fqdn.length + 2 + 2)

/** In which zone the name is. */
export const encodeZoneQuestion = (name: string): Buffer =>
  encode({ type: 'query', questions: [{ name, type: 'SOA' }] })
