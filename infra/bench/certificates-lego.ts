import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Pebble, SshdPeer } from '@opsconductor/test-peers'
import type { BareTarget } from './bare-certificates.ts'

/**
 * What lego runs once it has a certificate: the same steps as cert-agent's, over one connection that ssh keeps open, one
 * deployment at a time.
 */
const deployScript = `#!/bin/sh
set -e
. "$TARGETS/$LEGO_CERT_DOMAIN"
ssh -F "$SSH_CONFIG" host "mkdir -p $directory/versions/1"
scp -q -F "$SSH_CONFIG" "$LEGO_CERT_PATH" host:$directory/versions/1/fullchain.pem
scp -q -F "$SSH_CONFIG" "$LEGO_CERT_KEY_PATH" host:$directory/versions/1/privkey.pem
scp -q -F "$SSH_CONFIG" "$config" host:$config_file.new
exec 9>"$TARGETS/lock"
flock 9
ssh -F "$SSH_CONFIG" host "
  set -e
  ln -sfn versions/1 $directory/new && mv -T $directory/new $directory/live && mv $config_file.new $config_file
  $nginx -t -q && $nginx -s reload"
serial=$(openssl x509 -noout -serial -in "$LEGO_CERT_PATH")
until [ "$(openssl s_client -connect 127.0.0.1:$port -servername "$LEGO_CERT_DOMAIN" </dev/null 2>/dev/null | openssl x509 -noout -serial)" = "$serial" ]
do sleep 0.02; done
`

const run = promisify(execFile)

/** Debian has it; whoever runs the bench may install it. */
export const legoIsMissing = (): boolean =>
  spawnSync('lego', ['--version'], { stdio: 'ignore' }).error !== undefined

/** lego with a script that deploys by ssh, as people have them. */
export async function openLego(pebble: Pebble, { host, port, username, clientKey }: SshdPeer) {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-lego-'))
  const write = (name: string, text: string, mode = 0o600): string => {
    const path = join(scratch, name)
    writeFileSync(path, text, { mode })
    return path
  }
  const [targets, webroot] = [join(scratch, 'targets'), join(scratch, 'webroot')]
  for (const folder of [targets, webroot]) mkdirSync(folder)
  const key = write('login', clientKey.privateKey)
  const sshConfig = write(
    'ssh_config',
    [
      ...['Host host', `HostName ${host}`, `Port ${port}`, `User ${username}`, `IdentityFile ${key}`],
      ...['IdentitiesOnly yes', 'StrictHostKeyChecking no', 'UserKnownHostsFile /dev/null', 'LogLevel ERROR'],
      ...['ControlMaster auto', `ControlPath ${join(scratch, 'control')}`, 'ControlPersist 60', ''],
    ].join('\n'),
  )
  const hook = write('deploy', deployScript, 0o700)
  const server = serve(webroot).listen(pebble.httpPort, '127.0.0.1')
  await once(server, 'listening')
  const environment = {
    ...process.env,
    LEGO_CA_CERTIFICATES: write('ca.pem', pebble.ca),
    ...{ TARGETS: targets, SSH_CONFIG: sshConfig },
  }
  const words = [
    ...['--server', pebble.directoryUrl, '--accept-tos', '--email', 'bench@example.com', '--path', scratch],
    ...['--key-type', 'ec256', '--http', '--http.webroot', webroot],
  ]
  return {
    async issueAndDeploy(target: BareTarget): Promise<void> {
      const config = write(`${target.name}.conf`, target.config)
      const settings = {
        ...{ directory: target.directory, config, config_file: target.configFile },
        ...{ nginx: target.nginx, port: String(target.tlsPort) },
      }
      const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`)
      writeFileSync(join(targets, target.name), lines.join(''))
      await run('lego', [...words, '--domains', target.name, 'run', '--run-hook', hook], {
        env: environment,
      })
    },
    async close(): Promise<void> {
      await run('ssh', ['-F', sshConfig, '-O', 'exit', 'host']).catch(() => {})
      server.close()
      server.closeAllConnections()
      rmSync(scratch, { recursive: true })
    },
  }
}

/** The challenges that lego puts into the web root. */
const serve = (webroot: string) =>
  createServer(({ url = '' }, answer) => {
    try {
      answer.end(readFileSync(join(webroot, new URL(url, 'http://host').pathname)))
    } catch {
      answer.writeHead(404).end()
    }
  })
