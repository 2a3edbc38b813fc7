import type { Buffer } from 'node:buffer'
import netSnmp from 'net-snmp'

// What we use of net-snmp that its published types leave out. Its version is pinned; `test/snmp` fails where this changes.

/** A value as it is on the wire: `type` is its BER tag. */
export interface Varbind {
  oid: string
  type: number
  value: unknown
}

interface Pdu {
  id: number
  type: number
  varbinds: Varbind[]
  errorStatus: number
  errorIndex: number
}

/** A parsed datagram, or what was sent. */
export interface Message {
  version: number
  pdu: Pdu
  hasAuthentication(): unknown
  hasPrivacy(): unknown
  msgSecurityParameters?: { msgAuthoritativeEngineID: Buffer; msgUserName: unknown }
}

export interface Request {
  message: Message
  responseCb(error: Error | null, varbinds?: Varbind[]): void
}

type Answered = (error: Error | null, varbinds?: Varbind[]) => void

export interface LibrarySession {
  retries: number
  /** Called with every answer that belongs to a request, whatever that answer says. */
  onSimpleGetResponse(request: Request, message: Message): void
  on(event: 'error', listener: (error: Error) => void): void
  get(oids: string[], answered: Answered): void
  getNext(oids: string[], answered: Answered): void
  getBulk(oids: string[], nonRepeaters: number, maxRepetitions: number, answered: Answered): void
  set(varbinds: Varbind[], answered: Answered): void
  close(): void
}

export interface LibraryUser {
  name: string
  level: number
  authProtocol?: number
  authKey?: string
  privProtocol?: number
  privKey?: string
}

interface Engine {
  engineID: Buffer
  engineBoots: number
  engineTime: number
}

/** One of the library's ciphers: `localizationAlgorithm` makes the key of one engine from the passphrase. */
interface PrivacyAlgorithm {
  CRYPTO_ALGORITHM: string
  KEY_LENGTH: number
  BLOCK_LENGTH: number
  encryptPdu(
    pdu: Buffer,
    privProtocol: number,
    privKey: string,
    authProtocol: number,
    engine: Engine,
  ): { encryptedPdu: Buffer; msgPrivacyParameters: Buffer }
  decryptPdu(
    pdu: Buffer,
    privProtocol: number,
    salt: Buffer,
    privKey: string,
    authProtocol: number,
    engine: Engine,
  ): Buffer
  localizationAlgorithm: unknown
}

interface Library {
  Version1: number
  Version2c: number
  Version3: number
  SecurityLevel: Record<'noAuthNoPriv' | 'authNoPriv' | 'authPriv', number>
  AuthProtocols: Record<string, number>
  PrivProtocols: Record<string, number>
  createSession(target: string, community: string, options: object): LibrarySession
  createV3Session(target: string, user: LibraryUser, options: object): LibrarySession
  Authentication: {
    authToKeyCache: Record<string, Buffer>
    passwordToKey(authProtocol: number, passphrase: string, engineId: Buffer): Buffer
  }
  Encryption: {
    algorithms: Record<number, PrivacyAlgorithm>
    generateLocalizedKey: unknown
    generateLocalizedKeyBlumenthal: unknown
    generateLocalizedKeyReeder: unknown
  }
}

export const library = netSnmp as unknown as Library
