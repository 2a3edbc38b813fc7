import { createRequire } from 'node:module'
import type { Client, ClientChannel, ParsedKey } from 'ssh2'
import { certificateSuffix, type SshCertificate } from './host-certificate.ts'
import { writeStrings } from './wire-format.ts'

// What ssh2 1.17 lacks and its own classes let one add. Its version is pinned; test/login.test.ts and
// test/host-keys.test.ts show on a real sshd that the parts named here still are what they were.

interface Protocol {
  _kex: { sessionID: Buffer; negotiated: { serverHostKey: string }; _hostKey: Buffer }
  _authsQueue: string[]
  _packetRW: {
    write: { allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer }
  }
  authPK(...given: unknown[]): void
  signal(channelId: number, name: string): void
}
type Sign = (data: Buffer, done: (signature: Buffer) => void) => void

const require = createRequire(import.meta.url)
const { SUPPORTED_SERVER_HOST_KEY } = require('ssh2/lib/protocol/constants.js') as {
  SUPPORTED_SERVER_HOST_KEY: string[]
}
const { convertSignature, sendPacket } = require('ssh2/lib/protocol/utils.js') as {
  convertSignature(signature: Buffer, keyType: string): Buffer
  sendPacket(protocol: Protocol, packet: Buffer): void
}

const protocolOf = (client: Client): Protocol => (client as unknown as { _protocol: Protocol })._protocol

/** Without this ssh2 refuses to ask for a host key algorithm that it does not know. */
export function permitHostKeyAlgorithms(names: readonly string[]): void {
  for (const name of names)
    if (!SUPPORTED_SERVER_HOST_KEY.includes(name)) SUPPORTED_SERVER_HOST_KEY.push(name)
}

/**
 * To be called while ssh2 asks whether a host's certificate is trusted, and only where it is: makes ssh2 check the
 * handshake with the key that is certified. What both sides hash stays the certificate.
 */
export function useCertifiedKey(client: Client, shown: Buffer, certificate: SshCertificate): void {
  const kex = protocolOf(client)._kex
  kex.negotiated.serverHostKey = certificate.keyType
  // ssh2 reads the type and what follows it with exactly these two, and hashes the bytes themselves.
  kex._hostKey = Object.assign(Buffer.from(shown), {
    utf8Slice: () => certificate.keyType,
    slice: () => certificate.publicKey.subarray(4 + certificate.keyType.length),
  }) as Buffer
}

const userAuthRequest = Buffer.from([50])

/** Logs in with `certificate` in place of the public key that it certifies; call it between `connect` and its login. */
export function loginWithCertificate(client: Client, certificate: Buffer): void {
  const protocol = protocolOf(client)
  protocol.authPK = (...given) => {
    const [username, key] = given as [string, ParsedKey]
    const sign = given.find((one): one is Sign => typeof one === 'function')
    const keyAlgorithm = typeof given[2] === 'string' ? given[2] : key.type
    const request = Buffer.concat([
      userAuthRequest,
      writeStrings(username, 'ssh-connection', 'publickey'),
      Buffer.from([sign === undefined ? 0 : 1]),
      writeStrings(keyAlgorithm + certificateSuffix, certificate),
    ])
    if (sign === undefined) {
      protocol._authsQueue.push('publickey')
      send(protocol, request)
      return
    }
    sign(Buffer.concat([writeStrings(protocol._kex.sessionID), request]), (signature) => {
      protocol._authsQueue.push('publickey')
      const signed = writeStrings(keyAlgorithm, convertSignature(signature, key.type))
      send(protocol, Buffer.concat([request, writeStrings(signed)]))
    })
  }
}

function send(protocol: Protocol, payload: Buffer): void {
  const { write } = protocol._packetRW
  const packet = write.alloc(payload.length)
  packet.set(payload, write.allocStart)
  sendPacket(protocol, write.finalize(packet))
}

/** Asks the server to kill the command of a channel, also when its input has ended, where ssh2's own `signal` does nothing. */
export function killCommand(client: Client, channel: ClientChannel): void {
  const { outgoing } = channel as unknown as { outgoing: { id: number; state: string } }
  if (outgoing.state === 'open' || outgoing.state === 'eof') protocolOf(client).signal(outgoing.id, 'KILL')
}
