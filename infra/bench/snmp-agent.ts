/** An SNMP agent in a process of its own, with ROWS rows of ifInOctets; prints its port. */
import { ber, startScriptedAgent, tableScript } from '@opsconductor/test-peers'

const rows = Array.from({ length: Number(process.env.ROWS) }, (_, at) => {
  const oid = `1.3.6.1.2.1.2.2.1.10.${at + 1}`
  return { oid, varbind: ber.sequence(ber.oid(oid), ber.integer(at, ber.tags.counter32)) }
})
const { port } = await startScriptedAgent(tableScript(rows))
console.log(port)
