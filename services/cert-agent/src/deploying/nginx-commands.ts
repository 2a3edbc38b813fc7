import type { NginxSettings } from '@opsconductor/contracts'

type Commands = Pick<NginxSettings, 'binary' | 'config_file' | 'reload' | 'systemd_unit'>

const nginx = ({ binary, config_file }: Commands): string[] => [
  binary,
  ...(config_file === null ? [] : ['-c', config_file]),
]

export const testCommand = (of: Commands): string[] => [...nginx(of), '-q', '-t']

/** Everything that it reads, on standard output. */
export const dumpCommand = (of: Commands): string[] => [...nginx(of), '-T']

/** Its version, on standard error. */
export const versionCommand = ({ binary }: Commands): string[] => [binary, '-v']

/** `restart` breaks connections: only where the server is set so. */
export function reloadCommand(of: Commands): string[] {
  if (of.reload === 'signal') return [...nginx(of), '-s', 'reload']
  return ['systemctl', of.reload === 'systemctl-restart' ? 'restart' : 'reload', of.systemd_unit]
}

const quotedCharactersMax = 300

/** What NGINX thinks is wrong, of all that it says: its first error, for a person to read. */
export function complaintOf(stderr: Buffer): string {
  const lines = stderr.toString('utf8').split('\n')
  const line =
    lines.find((text) => /\[(?:emerg|error|crit)\]/.test(text)) ??
    lines.findLast((text) => text.trim() !== '')
  return (line ?? 'it did not say why')
    .replace(/^nginx: /, '')
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, quotedCharactersMax)
}
