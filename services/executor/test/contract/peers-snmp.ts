import { snmpPassphrases, snmpUsers, startSnmpd } from '@opsconductor/test-peers'
import type { Auth, Family, NewCredential } from './family.ts'

const community = (version: 'v1' | 'v2c'): NewCredential => ({
  type: 'snmp_community',
  secret: { community: 'private' },
  extra: { version },
})

/** Of every level and every protocol. */
const users: Auth[] = snmpUsers.map(({ level, ...user }) => {
  const { auth_protocol, priv_protocol } = user as { auth_protocol?: string; priv_protocol?: string }
  return {
    name: ['`snmp_v3`', level, auth_protocol, priv_protocol].filter(Boolean).join(' '),
    credential: {
      type: 'snmp_v3',
      secret: {
        ...(auth_protocol && { auth_passphrase: snmpPassphrases.auth }),
        ...(priv_protocol && { priv_passphrase: snmpPassphrases.priv }),
      },
      extra: { level, ...user },
    },
  }
})
/** Working a key out of a passphrase takes a while, so all users are tried with one step type, and these with the others. */
const fewUsers = users.filter(({ credential }) =>
  ['aes128', 'strong'].includes(String(credential?.extra?.username)),
)
const communities: Auth[] = (['v2c', 'v1'] as const).map((version) => ({
  name: `\`snmp_community\` ${version}`,
  credential: community(version),
}))

/** SNMP steps, on Net-SNMP's agent. */
export const snmpFamily: Family = {
  plays: (type) => type.startsWith('snmp.'),
  async start() {
    const agent = await startSnmpd()
    const isTried = (type: string, auth: Auth) =>
      type === 'snmp.get' || !users.includes(auth) || fewUsers.includes(auth)
    return {
      targets: [
        {
          name: 'snmpd (Net-SNMP)',
          auths: [...fewUsers, ...communities, ...users.filter((auth) => !fewUsers.includes(auth))],
          place(step, auth) {
            if (!isTried(step.type, auth)) return undefined
            const network = step.type === 'snmp.discover' ? { network: '127.0.0.0/30' } : {}
            return { ...step, input: { ...step.input, ...network, port: agent.port } }
          },
        },
      ],
      ports: [agent.port],
      input: { rack: 'rack 7' },
      stop: () => agent.close(),
    }
  },
}
