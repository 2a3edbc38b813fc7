import type { NginxSettings } from '@opsconductor/contracts'

/**
 * Where a certificate stands on a server. What NGINX is given (`certificate`, `key`) stays the same for all versions: `live`
 * is a symbolic link that leads to one of them. By the certificate's id: its name may change.
 */
export function certificatePaths(
  { certificates_directory }: Pick<NginxSettings, 'certificates_directory'>,
  certificateId: string,
) {
  const folder = `${certificates_directory}/${certificateId}`
  return {
    folder,
    certificate: `${folder}/live/fullchain.pem`,
    key: `${folder}/live/privkey.pem`,
    versionFolder: (version: number) => `${folder}/versions/${version}`,
  }
}
