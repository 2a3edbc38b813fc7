import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import { renderVhostConfig } from '../nginx/render-vhost-config.ts'
import type { StoredServer } from '../servers/store.ts'
import type { certificatePaths } from './certificate-paths.ts'
import type { PlannedConfig, PlannedFile } from './look-at-server.ts'
import type { Material } from './read-material.ts'
import type { DeployedVhost } from './store.ts'

/** What is to stand in the version's folder. */
export function planFiles({ fullChain, key }: Material, { nginx }: StoredServer): PlannedFile[] {
  return [
    planned('fullchain.pem', new SecretValue(fullChain), 0o644),
    planned('privkey.pem', key, Number.parseInt(nginx.key_mode, 8)),
  ]
}

/** The configuration of the virtual hosts that have a template. Throws what `renderVhostConfig` throws. */
export function planConfigs(
  vhosts: readonly DeployedVhost[],
  server: StoredServer,
  paths: ReturnType<typeof certificatePaths>,
): PlannedConfig[] {
  const configs = vhosts.flatMap(({ names, configFile, template }) => {
    if (template === null || configFile === null) return []
    const content = renderVhostConfig(
      { template, serverNames: names, certificatePath: paths.certificate, keyPath: paths.key },
      server.nginx,
    )
    // By its path: what is noted of a file must not be taken for another, to which the virtual host has moved.
    const name = `${sha256Of(configFile)}.conf`
    return [{ ...planned(name, new SecretValue(content), 0o644), path: configFile }]
  })
  const twice = configs.find(({ path }, index) => configs.findIndex((other) => other.path === path) < index)
  if (twice !== undefined)
    throw new AppError('conflict', `Two virtual hosts have the configuration file ${twice.path}.`)
  return configs
}

const planned = (name: string, content: SecretValue, mode: number): PlannedFile => ({
  ...{ name, content, mode },
  sha256: sha256Of(content.reveal()),
})

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex')
