export { isCidr } from './address-rules.ts'
export { caOf, chooseAuthorities } from './authorities.ts'
export { type ClientCertificate, clientCertificateOf } from './client-certificate.ts'
export { connectDirectly } from './connect-directly.ts'
export { createSshAccess } from './create-ssh-access.ts'
export {
  type HeldCredential,
  holdCredential,
  holdSshCredential,
  limitsOf,
  secretsOf,
  sshCredentialTypes,
} from './held-credential.ts'
export { checkedConnector } from './http/checked-connector.ts'
export { type Connection, type ConnectionInput, connectionOf } from './http/connection.ts'
export { httpError } from './http/http-error.ts'
export { readBody } from './http/read-body.ts'
export { createProjectTrust, isTrustOf, type ProjectTrust, type TrustLookup } from './project-trust.ts'
export { createReach, type Reach, type ReachOf } from './reach.ts'
export { type Resolve, resolveBySystem } from './resolve-target.ts'
export type { SshAccess } from './ssh-access.ts'
export { throughBastions } from './through-bastions.ts'
export { inspectTls, type TlsInspection } from './tls/inspect-tls.ts'
export { openTls } from './tls/open-tls.ts'
export { hashTls, secureContextOf, type TlsSettings } from './tls/secure-context.ts'
export { tryTls } from './tls/try-tls.ts'
export { tlsFaults } from './tls-faults.ts'
export { connectionFaults, unreachable } from './unreachable.ts'
