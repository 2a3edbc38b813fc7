import { X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { Pebble, SshdPeer } from '@opsconductor/test-peers'
import acme from 'acme-client'
import { Client, type SFTPWrapper } from 'ssh2'

/** One virtual host, as a script that knows its server would be told. */
export interface BareTarget {
  name: string
  /** On the server; the certificate's files are below it. */
  directory: string
  configFile: string
  config: string
  /** `nginx -c …`, as the shell takes it. */
  nginx: string
  tlsPort: number
}

/** What a script of acme-client and ssh2 needs for a certificate: the same steps as cert-agent's, and nothing around them. */
export async function openBareCertificates(pebble: Pebble, sshd: SshdPeer) {
  acme.axios.defaults.httpsAgent = new Agent({ ca: pebble.ca, keepAlive: true })
  const client = new acme.Client({
    directoryUrl: pebble.directoryUrl,
    accountKey: await acme.crypto.createPrivateEcdsaKey('P-256'),
    ...{ backoffMin: 50, backoffMax: 500 },
  })
  await client.createAccount({ termsOfServiceAgreed: true })
  const ssh = await openSsh(sshd)
  const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
    ssh.sftp((error, opened) => (error === undefined ? resolve(opened) : reject(error))),
  )
  let deploying: Promise<unknown> = Promise.resolve()
  return {
    async issueAndDeploy(target: BareTarget): Promise<void> {
      const issued = await issue(client, pebble, target.name)
      // One at a time: they share a server.
      deploying = deploying.then(() => deploy(ssh, sftp, target, issued))
      await deploying
    },
    close: () => void ssh.end(),
  }
}

interface Issued {
  certificate: string
  key: Buffer
}

async function issue(client: acme.Client, pebble: Pebble, name: string): Promise<Issued> {
  const [key, csr] = await acme.crypto.createCsr(
    { altNames: [name] },
    await acme.crypto.createPrivateEcdsaKey('P-256'),
  )
  const certificate = await client.auto({
    csr,
    challengePriority: ['http-01'],
    skipChallengeVerification: true,
    challengeCreateFn: (_, { token }, keyAuthorization) => pebble.addHttp(token, keyAuthorization),
    challengeRemoveFn: (_, { token }) => pebble.removeHttp(token),
  })
  return { certificate, key }
}

function openSsh({ host, port, username, clientKey }: SshdPeer): Promise<Client> {
  const ssh = new Client()
  return new Promise((resolve, reject) => {
    ssh.once('ready', () => resolve(ssh)).once('error', reject)
    ssh.connect({ host, port, username, privateKey: clientKey.privateKey })
  })
}

async function deploy(ssh: Client, sftp: SFTPWrapper, target: BareTarget, issued: Issued): Promise<void> {
  const version = `${target.directory}/versions/1`
  const write = (path: string, content: string | Buffer, mode: number) =>
    new Promise<void>((resolve, reject) =>
      sftp.writeFile(path, content, { mode }, (error) => (error ? reject(error) : resolve())),
    )
  await run(ssh, `mkdir -p ${version}`)
  await write(`${version}/fullchain.pem`, issued.certificate, 0o644)
  await write(`${version}/privkey.pem`, issued.key, 0o600)
  await write(`${target.configFile}.new`, target.config, 0o644)
  await run(
    ssh,
    `ln -sfn versions/1 ${target.directory}/new && mv -T ${target.directory}/new ${target.directory}/live && mv ${target.configFile}.new ${target.configFile}`,
  )
  await run(ssh, `${target.nginx} -t`)
  await run(ssh, `${target.nginx} -s reload`)
  const { serialNumber } = new X509Certificate(issued.certificate)
  while ((await servedSerial(target)) !== serialNumber) await delay(20)
}

function run(ssh: Client, command: string): Promise<void> {
  return new Promise((resolve, reject) =>
    ssh.exec(command, (error, channel) => {
      if (error) return reject(error)
      let said = ''
      channel.resume().stderr.on('data', (text) => {
        said += text
      })
      channel.once('close', (code: number) =>
        code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said}`)),
      )
    }),
  )
}

function servedSerial({ name, tlsPort }: BareTarget): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: tlsPort,
      servername: name,
      rejectUnauthorized: false,
    })
    socket.once('error', () => resolve(undefined))
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })
}
