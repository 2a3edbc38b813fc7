/** Where `npm test` started a peer; throws where it did not, so that a missing peer is a failure and never a silent skip. */
export function requirePeer(variable: string, peer: string): string {
  const address = process.env[variable]
  if (address === undefined)
    throw new Error(`${peer} is not running for the tests (${variable} is not set): run them with npm test`)
  return address
}
