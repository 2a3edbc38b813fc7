import { requirePeer } from './peer.ts'

/** host:port of the real Temporal server of the test run. */
export const testTemporalAddress = (): string => requirePeer('TEST_TEMPORAL_ADDRESS', 'Temporal')

/** Temporal's own command line, which is written in Go. */
export const testTemporalCli = (): string => requirePeer('TEST_TEMPORAL_CLI', 'The Temporal CLI')
