export { DecryptionError, decrypt, encrypt, unwrapBytes, wrapBytes } from './envelope.ts'
export { type FernetKey, openFernetToken, parseFernetKey } from './fernet.ts'
export {
  copyKey,
  createLocalKey,
  type KeyProvider,
  KeyRefused,
  KeyUnavailable,
  type LocalKey,
  type MasterKey,
  openCopiedKey,
} from './key-providers/define-key-provider.ts'
export { openEnvironmentKey } from './key-providers/environment.ts'
export { openFileKey } from './key-providers/file.ts'
export { openPkcs11Key, type Pkcs11Options } from './key-providers/pkcs11.ts'
export { openTransitKey, type TransitOptions } from './key-providers/transit.ts'
export type { VaultLogin } from './key-providers/vault-session.ts'
export { type DerivedKey, deriveSeedKey } from './master-key.ts'
