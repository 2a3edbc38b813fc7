export { generateApiKey, hashApiKey, isWellFormedApiKey } from './api-key-format.ts'
export {
  type Authenticate,
  type AuthenticatorOptions,
  type CredentialHeaders,
  createAuthenticator,
} from './authenticator.ts'
export { createGrantVerifier, type GrantedCall, type VerifyGrant } from './call-grant.ts'
export { type Caller, callerLabel, type KeyCaller, type UserCaller } from './caller.ts'
export { hashJson } from './hash-json.ts'
export { createKeyUse, type KeyUse } from './key-use.ts'
export { createKeyVerifier, type KeyVerifier, type KeyVerifierOptions } from './key-verifier.ts'
export {
  assertAllowed,
  fromRole,
  type Permission,
  type Permissions,
  projectOf,
  scopeCovers,
} from './permissions.ts'
export { createSessionVerifier, sessionAudience, sessionIssuer } from './session-verifier.ts'
