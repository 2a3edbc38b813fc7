export { type ApiKeyPeer, startApiKeyPeer } from './api-key-peer.ts'
export { type BindKey, type BindPeer, startBind } from './bind.ts'
export { createTestDatabase, type TestDatabase } from './database.ts'
export { freePort } from './free-port.ts'
export { type PeerAnswer, type PeerRequest, startJsonServer } from './json-server.ts'
export { type MariaDb, mariadbIsMissing, startMariaDb } from './mariadb.ts'
export { motoIsMissing, startMoto } from './moto.ts'
export { type NginxPeer, type NginxVhost, startNginx } from './nginx.ts'
export { startOAuth2Peer } from './oauth2.ts'
export { type Pebble, type PebbleOptions, pebbleIsMissing, startPebble } from './pebble.ts'
export { requirePeer } from './peer.ts'
export {
  type PostgresWithTools,
  postgresToolsAreMissing,
  runPostgresTool,
  startPostgresWithTools,
} from './postgres-with-tools.ts'
export { promtoolIsMissing, runPromtool } from './promtool.ts'
export { servePeer, testInternalKey } from './serve-peer.ts'
export {
  type ReceivedMail,
  type SmtpServerOptions,
  type SmtpServerPeer,
  startSmtpServer,
} from './smtp-server.ts'
export * as ber from './snmp/ber.ts'
export {
  type AgentRequest,
  type AgentScript,
  startScriptedAgent,
  type TableRow,
  tableScript,
} from './snmp/scripted-agent.ts'
export { type Snmpd, snmpPassphrases, snmpUsers, startSnmpd } from './snmp/snmpd.ts'
export { createTestToken, softHsmIsMissing, type TestToken } from './softhsm.ts'
export { createSshKey, signSshCertificate, type TestSshKey } from './ssh-keys.ts'
export { isRunning, type SshdOptions, type SshdPeer, startSshd } from './sshd.ts'
export { startTdsServer, type TdsServer, type TdsServerOptions, tdsLogin } from './tds/tds-server.ts'
export { testTemporalAddress, testTemporalCli } from './temporal.ts'
export { createTestCertificates, type TestCertificates } from './test-certificates.ts'
export { startTransitPeer, type TransitPeer } from './transit.ts'
export { type AzureKeyVaultPeer, startAzureKeyVaultPeer } from './vaults/azure-key-vault-peer.ts'
export { type CyberarkCcpPeer, startCyberarkCcpPeer } from './vaults/cyberark-ccp-peer.ts'
export { type CyberarkConjurPeer, startCyberarkConjurPeer } from './vaults/cyberark-conjur-peer.ts'
export { type Hostility, startHostileVault } from './vaults/hostile-vault.ts'
export { type OpenBaoPeer, startOpenBaoPeer } from './vaults/openbao-peer.ts'
export {
  type PermissionActors,
  type PermissionWalk,
  peerActors,
  type WalkOptions,
  walkPermissions,
} from './walk-permissions.ts'
