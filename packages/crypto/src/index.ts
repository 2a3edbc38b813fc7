export { DecryptionError, decrypt, encrypt } from './envelope.ts'
export { createKeyring, type Keyring, type Sealed } from './keyring.ts'
export { deriveSeedKey, type MasterKey } from './master-key.ts'
