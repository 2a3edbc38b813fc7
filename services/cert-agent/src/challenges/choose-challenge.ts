import { isIP } from 'node:net'
import type { Challenge } from '@opsconductor/contracts'

/** What the gateway answers by itself, for names that point at us. */
const byGateway: Challenge = { type: 'http-01', server_id: null, webroot: null }

/**
 * How control over the name is shown: by the first challenge that lists it, else by the first that lists nothing and can
 * show it, else by the gateway. Otherwise what is wrong, for a person.
 */
export function chooseChallenge(
  challenges: readonly Challenge[],
  name: string,
): Challenge | { fault: string } {
  const listed = challenges.find((challenge) => challenge.names?.includes(name))
  const neededType = isIP(name) > 0 ? 'http-01' : name.startsWith('*.') ? 'dns-01' : undefined
  const fits = ({ type }: Challenge) => neededType === undefined || type === neededType
  if (listed !== undefined)
    return fits(listed) ? listed : { fault: `cannot be shown by ${listed.type}: it needs ${neededType}` }
  const fitting = challenges.find((challenge) => challenge.names === undefined && fits(challenge))
  if (fitting !== undefined) return fitting
  return fits(byGateway) ? byGateway : { fault: 'is a wildcard, which needs a challenge of type dns-01' }
}
