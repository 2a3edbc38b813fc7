import {
  createSshKey,
  type SshdPeer,
  signSshCertificate,
  startSshd,
  type TestSshKey,
} from '@opsconductor/test-peers'
import type { Auth, Family, TrustedHostKey } from './family.ts'

const passphrase = 'a pass phrase of the contract'
const programs = {
  systemctl: '#!/bin/sh\necho active\n',
  /** Takes the options, asks for no password, and runs the rest. */
  sudo: '#!/bin/sh\nwhile [ "$1" != -- ]; do case $1 in -p | -u) shift 2 ;; *) shift ;; esac; done\nshift\nexec "$@"\n',
}

export function trustIn({ hostKey, port }: SshdPeer, host: string): TrustedHostKey {
  const [key_type = '', public_key = ''] = hostKey.publicKey.split(' ')
  const { fingerprint } = hostKey
  return { host, port, key_type, public_key, fingerprint, revoked: false, is_authority: false }
}

const keyAuth = (
  name: string,
  username: string,
  key: TestSshKey,
  more: Record<string, string> = {},
): Auth => ({
  name: `\`ssh\` ${name}`,
  credential: { type: 'ssh', secret: { private_key: key.privateKey, ...more }, extra: { username } },
})

/** SSH steps, on OpenSSH's server. */
export const sshFamily: Family = {
  plays: (type) => type.startsWith('ssh.'),
  async start() {
    const [ecdsa, rsa, authority, certified] = [
      createSshKey({ type: 'ecdsa' }),
      createSshKey({ type: 'rsa', bits: 2048, passphrase }),
      createSshKey(),
      createSshKey(),
    ]
    const server = await startSshd({
      programs,
      userAuthority: authority,
      authorizedKeys: [ecdsa.publicKey, rsa.publicKey],
    })
    const { username, password, port } = server
    const certificate = signSshCertificate(authority, certified.publicKey, { principals: [username] })
    const auths: Auth[] = [
      ...(password === undefined
        ? []
        : [
            {
              name: '`ssh` password',
              credential: { type: 'ssh', secret: { password }, extra: { username } },
            },
          ]),
      keyAuth('ed25519 key', username, server.clientKey),
      keyAuth('ECDSA key', username, ecdsa),
      keyAuth('encrypted RSA key', username, rsa, { passphrase }),
      {
        name: '`ssh_certificate`',
        credential: {
          type: 'ssh_certificate',
          secret: { private_key: certified.privateKey },
          extra: { username, certificate },
        },
      },
    ]
    return {
      targets: [
        {
          name: 'OpenSSH server',
          auths,
          place: (step) => ({ ...step, input: { ...step.input, port } }),
        },
        {
          name: 'OpenSSH server behind a bastion',
          auths: auths.slice(0, 1),
          place: (step) => ({ ...step, via: ['bastion'], input: { ...step.input, host: 'localhost', port } }),
        },
      ],
      ports: [port],
      input: { service: 'nginx', folder: '/', mode: 'strict' },
      hostKeys: ['web-1.example.com', 'localhost'].map((host) => trustIn(server, host)),
      isPartial: password === undefined,
      stop: () => server.close(),
    }
  },
}
