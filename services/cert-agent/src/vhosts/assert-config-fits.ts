import { AppError, invalidField } from '@opsconductor/errors'
import { certificatePaths } from '../deploying/certificate-paths.ts'
import type { Deps } from '../deps.ts'
import { renderVhostConfig } from '../nginx/render-vhost-config.ts'
import { findFileFault } from '../servers/find-nginx-faults.ts'
import { isBelow } from '../servers/is-below.ts'
import type { StoredServer } from '../servers/store.ts'
import type { StoredVhost, VhostFields } from './store.ts'

/** Stands for the certificate that is not chosen yet. */
const anyId = '00000000-0000-0000-0000-000000000000'

/** The file may be written, for this virtual host alone, and the template can be rendered. Throws `validation_failed`. */
export async function assertConfigFits(
  { vhosts }: Pick<Deps, 'vhosts'>,
  { id: serverId, nginx }: StoredServer,
  { configFile, template, names, certificateId }: VhostFields,
  before: StoredVhost | undefined,
): Promise<void> {
  if (configFile === null) {
    if (template !== null) throw invalidField('body.template', 'needs a config_file')
    return
  }
  // Where discovery found it is said of it, whether we may write there or not.
  if (template === null && configFile === before?.configFile) return
  if (!nginx.config_directories.some((directory) => isBelow(directory, configFile)))
    throw invalidField('body.config_file', "must be below one of the server's nginx.config_directories")
  if (isBelow(nginx.certificates_directory, configFile))
    throw invalidField('body.config_file', 'must not be where the private keys are')
  const fault = findFileFault(configFile)
  if (fault !== undefined) throw invalidField('body.config_file', fault)
  if (template === null) return
  const { certificate: certificatePath, key: keyPath } = certificatePaths(nginx, certificateId ?? anyId)
  try {
    renderVhostConfig({ template, certificatePath, keyPath, serverNames: names }, nginx)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'template_error') throw error
    throw invalidField('body.template', error.message)
  }
  if ((await vhosts.findSharing(serverId, configFile, before?.id)) !== undefined)
    throw invalidField('body.config_file', 'holds the configuration of another virtual host too')
}
