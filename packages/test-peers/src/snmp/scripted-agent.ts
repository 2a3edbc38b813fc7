import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  decode,
  type Element,
  encode,
  integer,
  octets,
  oid,
  sequence,
  tags,
  toInteger,
  toOidText,
} from './ber.ts'

export interface AgentRequest {
  /** 0, 1 and 3 are v1, v2c and v3. */
  version: number
  /** The PDU's tag. */
  type: number
  id: number
  maxRepetitions: number
  oids: string[]
  /** v3: the message's id, which is all that is read of those. */
  messageId: number
  raw: Buffer
  /** What it counts itself to have been asked, from 1. */
  count: number
  /** A response with the request's id and these encoded varbinds. */
  respond(varbinds: readonly Buffer[], errorStatus?: number, errorIndex?: number): Buffer
}

/** Datagrams to answer with; none means silence. */
export type AgentScript = (request: AgentRequest) => Buffer | readonly Buffer[] | undefined

/** An agent on loopback that answers v1 and v2c as its script says: for devices that lie, and for large tables. */
export async function startScriptedAgent(script: AgentScript, at = { address: '127.0.0.1', port: 0 }) {
  const socket = createSocket('udp4')
  let count = 0
  socket.on('message', (raw, from) => {
    const answers = script(parse(raw, ++count)) ?? []
    for (const datagram of Buffer.isBuffer(answers) ? [answers] : answers)
      socket.send(datagram, from.port, from.address)
  })
  socket.bind(at.port, at.address)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    /** How many datagrams came. */
    asked: () => count,
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function parse(raw: Buffer, count: number): AgentRequest {
  const [message] = decode(raw) as [Element]
  const [versionPart, second, third] = decode(message.content) as [Element, Element, Element]
  const version = toInteger(versionPart)
  const none = { type: 0, id: 0, maxRepetitions: 0, oids: [], respond: () => Buffer.alloc(0) }
  if (version === 3) {
    const [id] = decode(second.content) as [Element]
    return { ...none, version, messageId: toInteger(id), raw, count }
  }
  const [id, , repetitions, list] = decode(third.content) as [Element, Element, Element, Element]
  return {
    ...{ version, type: third.tag, raw, count, messageId: 0 },
    id: toInteger(id),
    maxRepetitions: toInteger(repetitions),
    oids: decode(list.content).map(({ content }) => toOidText(decode(content)[0] as Element)),
    respond: (varbinds, errorStatus = 0, errorIndex = 0) =>
      sequence(
        integer(version),
        octets(second.content),
        encode(
          tags.response,
          integer(toInteger(id)),
          integer(errorStatus),
          integer(errorIndex),
          sequence(...varbinds),
        ),
      ),
  }
}

export interface TableRow {
  oid: string
  varbind: Buffer
}

/** Answers GET, GETNEXT and GETBULK out of rows that stand in the order of their OIDs. */
export function tableScript(rows: readonly TableRow[]): AgentScript {
  const position = new Map(rows.map(({ oid }, at) => [oid, at]))
  return ({ type, maxRepetitions, oids, respond }) => {
    const [asked = ''] = oids
    const here = position.get(asked)
    if (type === tags.get)
      return respond([
        here === undefined ? nothing(asked, tags.noSuchInstance) : (rows[here] as TableRow).varbind,
      ])
    const from = (here ?? -1) + 1
    const count = type === tags.getBulk ? maxRepetitions : 1
    const found = rows.slice(from, from + count).map(({ varbind }) => varbind)
    return respond(found.length > 0 ? found : [nothing(asked, tags.endOfMibView)])
  }
}

const nothing = (asked: string, tag: number): Buffer => sequence(oid(asked), encode(tag))
