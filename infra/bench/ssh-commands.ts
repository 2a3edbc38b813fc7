import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectSsh, remoteCommand, runCommand } from '@opsconductor/ssh'
import { type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { type Latencies, measureInTurns } from './statistics.ts'

const commands = 20
const rounds = 5

/** 20 commands over one connection that is open already, as ssh.exec runs them, beside OpenSSH over its control socket. */
export async function benchSshCommands(): Promise<{ ours: Latencies; openSsh: Latencies }> {
  const sshd = await startSshd()
  const scratch = mkdtempSync(join(tmpdir(), 'bench-ssh-'))
  try {
    const connection = await connectTo(sshd)
    const master = startControlMaster(sshd, scratch)
    const runOurs = async () => {
      const command = remoteCommand(['echo', 'done'])
      const { exitCode } = await runCommand(connection, {
        ...{ command, outputBytesMax: 1_000, signal: AbortSignal.timeout(10_000) },
      })
      if (exitCode !== 0) throw new Error(`The command ended with ${exitCode}.`)
    }
    const runTheirs = () => promisify(execFile)('ssh', [...master, 'echo', 'done'])
    try {
      await measureInTurns(1, commands, runTheirs, runOurs)
      const [openSsh, ours] = await measureInTurns(rounds, commands, runTheirs, runOurs)
      return { ours, openSsh }
    } finally {
      execFileSync('ssh', [...master.slice(0, -1), '-O', 'exit', '127.0.0.1'], { stdio: 'ignore' })
      connection.close()
    }
  } finally {
    await sshd.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

function connectTo({ host, port, username, clientKey, hostKey }: SshdPeer) {
  const [keyType = '', publicKey = ''] = hostKey.publicKey.split(' ')
  return connectSsh({
    openSocket: async () => connect({ host, port, noDelay: true }),
    ...{ host, port, login: { username, privateKey: clientKey.privateKey } },
    knownHostKeys: [{ keyType, publicKey, revoked: false, isAuthority: false }],
    signal: AbortSignal.timeout(10_000),
  })
}

/** Answers the arguments of `ssh` that use the master's connection. */
function startControlMaster(
  { host, port, username, clientKey, hostKey }: SshdPeer,
  scratch: string,
): string[] {
  const [key, knownHosts] = [join(scratch, 'key'), join(scratch, 'known_hosts')]
  writeFileSync(key, clientKey.privateKey, { mode: 0o600 })
  writeFileSync(knownHosts, `[${host}]:${port} ${hostKey.publicKey}\n`)
  const options = [
    ...['-F', '/dev/null', '-S', join(scratch, 'control'), '-p', String(port), '-l', username],
    ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'BatchMode=yes', '-i', key],
  ]
  execFileSync('ssh', [...options, '-M', '-N', '-f', host], { stdio: 'ignore' })
  return [...options, host]
}
