import type { Challenge } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { isDnsName } from '../dns-providers/dns-name.ts'
import { isOfTheSystem } from '../servers/find-nginx-faults.ts'
import { ownChallengeName } from './challenge-name.ts'
import { chooseChallenge } from './choose-challenge.ts'

/**
 * What is wrong with a certificate's challenges, by the path of each field in `body`; without names only what can be said
 * of the challenges alone. Whether accounts and servers are there is not asked here.
 */
export function findChallengeFaults(
  names: readonly string[],
  challenges: readonly Challenge[],
): FieldError[] {
  const faults = challenges.flatMap((challenge, index) => faultsOf(challenge, `body.challenges[${index}]`))
  if (names.length === 0) return faults
  const unlisted = challenges.flatMap(({ names: listed = [] }, index) =>
    listed.flatMap((name, at) =>
      names.includes(name)
        ? []
        : [{ path: `body.challenges[${index}].names[${at}]`, message: 'is no name of the certificate' }],
    ),
  )
  const unfit = names.flatMap((name, index) => {
    const chosen = chooseChallenge(challenges, name)
    const fault = 'fault' in chosen ? chosen.fault : faultOfRecord(chosen, name)
    return fault === undefined ? [] : [{ path: `body.names[${index}]`, message: fault }]
  })
  return [...faults, ...unlisted, ...unfit]
}

const faultOfRecord = (challenge: Challenge, name: string): string | undefined =>
  challenge.type === 'dns-01' && challenge.alias === null && !isDnsName(ownChallengeName(name))
    ? 'leaves no room for _acme-challenge. before it, where dns-01 puts its record'
    : undefined

function faultsOf(challenge: Challenge, path: string): FieldError[] {
  if (challenge.type === 'dns-01') {
    const { alias } = challenge
    if (alias === null || isDnsName(alias)) return []
    return [{ path: `${path}.alias`, message: 'must be a DNS name in ASCII, without a dot at its end' }]
  }
  const { server_id: serverId, webroot } = challenge
  if ((serverId === null) !== (webroot === null)) {
    const missing = serverId === null ? 'server_id' : 'webroot'
    return [{ path: `${path}.${missing}`, message: 'is missing: a file needs a server and a folder there' }]
  }
  if (webroot === null || !isOfTheSystem(webroot)) return []
  return [{ path: `${path}.webroot`, message: 'is a directory of the system, which is not written to' }]
}
