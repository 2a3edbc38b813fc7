import { z } from 'zod'
import { Failure, Flag, made, RemoteAbsolute } from './certificate-fields.ts'
import { namesMax } from './certificate-names.ts'
import { HostName, Id, PageQuery, ReferableSlug, Timestamp } from './fields.ts'

// NGINX hosts, and what is served there.

const AccountName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'must be the name of an account')

/** Where NGINX is on a server, and what may be touched there. */
export const NginxSettings = z
  .object({
    binary: RemoteAbsolute.default('/usr/sbin/nginx'),
    /** `-c` of every command; null: nginx's own. */
    config_file: RemoteAbsolute.nullable().default(null),
    /** Below it is everything that a deployment writes, but for configuration files. */
    certificates_directory: RemoteAbsolute.default('/etc/nginx/opsconductor'),
    /** Configuration files of virtual hosts may be written below these only; none: none are. */
    config_directories: z.array(RemoteAbsolute).max(20).default([]),
    /** How a new configuration is taken: `signal` is `nginx -s reload`. `restart` breaks connections and must be asked for. */
    reload: z.enum(['signal', 'systemctl-reload', 'systemctl-restart']).default('signal'),
    /** Of `systemctl`. */
    systemd_unit: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,99}$/, 'must be the name of a unit')
      .default('nginx'),
    owner: AccountName.nullable().default(null),
    group: AccountName.nullable().default(null),
    key_mode: z
      .string()
      .regex(/^0[46][046]0$/, 'must be an octal mode that gives others nothing, as 0600 or 0640')
      .default('0600'),
  })
  .strict()
export type NginxSettings = z.infer<typeof NginxSettings>

const serverFields = {
  name: ReferableSlug,
  host: HostName,
  port: z.number().int().min(1).max(65_535).default(22),
  /** A credential of type ssh or ssh_certificate, by name or id. */
  credential: z.string().min(1).max(255),
  /** Bastions of the project by name, from the nearest on. */
  via: z.array(z.string().min(1).max(100)).max(5).default([]),
  sudo: z.boolean().default(false),
  nginx: NginxSettings.prefault({}),
  keep_versions: z.number().int().min(1).max(20).default(3),
}
export const CreateServer = z.object(serverFields).strict()
/** What is left out stays; `nginx` is given whole. */
export const UpdateServer = z
  .object({
    name: ReferableSlug,
    host: HostName,
    port: serverFields.port.unwrap(),
    credential: serverFields.credential,
    via: serverFields.via.unwrap(),
    sudo: z.boolean(),
    nginx: NginxSettings,
    keep_versions: serverFields.keep_versions.unwrap(),
  })
  .partial()
  .strict()
export const Server = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  host: z.string(),
  port: z.number().int(),
  credential_id: Id,
  via: z.array(z.string()),
  sudo: z.boolean(),
  nginx: NginxSettings,
  keep_versions: z.number().int(),
  ...made,
})
export type Server = z.infer<typeof Server>
/** `force`: also where a certificate is live there. The files on the server stay. */
export const DeleteServer = z.object({ force: Flag.default(false) })
export const serverCheckParts = [
  'connection',
  'sudo',
  'nginx',
  'configuration',
  /** All that are written to. */
  'directories',
] as const
/** Whether a server can be deployed to. What stands in the way of an earlier part leaves the later ones out. */
export const ServerCheck = z.object({
  ok: z.boolean(),
  nginx_version: z.string().nullable(),
  parts: z.array(
    z.object({
      part: z.enum(serverCheckParts),
      state: z.enum(['passed', 'failed', 'skipped']),
      message: z.string().nullable(),
    }),
  ),
})
export type ServerCheck = z.infer<typeof ServerCheck>
export const ListServers = PageQuery.extend({ name: z.string().max(100).optional() })

export const vhostStates = ['unknown', 'ok', 'expiring', 'expired', 'mismatch', 'unreachable'] as const
export const ServerName = z
  .string()
  .max(253)
  .toLowerCase()
  .regex(
    /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/,
    'must be a server name',
  )
const vhostFields = {
  names: z
    .array(ServerName)
    .min(1)
    .max(namesMax)
    .refine((names) => new Set(names).size === names.length, 'must not name anything twice'),
  probe_host: HostName.nullable().default(null),
  probe_port: z.number().int().min(1).max(65_535).default(443),
  config_file: RemoteAbsolute.nullable().default(null),
  /** Logic-less; see the README. Null: the configuration is the server's own affair. */
  template: z.string().max(65_536).nullable().default(null),
  certificate_id: Id.nullable().default(null),
}
export const CreateVhost = z.object(vhostFields).strict()
export const UpdateVhost = z
  .object({
    names: vhostFields.names,
    probe_host: vhostFields.probe_host.unwrap(),
    probe_port: vhostFields.probe_port.unwrap(),
    config_file: vhostFields.config_file.unwrap(),
    template: vhostFields.template.unwrap(),
    certificate_id: vhostFields.certificate_id.unwrap(),
  })
  .partial()
  .strict()
export const VhostParams = z.object({ id: Id, vhost_id: Id })
/** What a probe from outside saw. */
export const Served = z.object({
  serial: z.string(),
  issuer: z.string(),
  not_after: Timestamp,
  protocol: z.string(),
  chain_valid: z.boolean(),
  name_matches: z.boolean(),
  reasons: z.array(z.string()),
})
export const Vhost = z.object({
  id: Id,
  server_id: Id,
  names: z.array(z.string()),
  probe_host: z.string().nullable(),
  probe_port: z.number().int(),
  config_file: z.string().nullable(),
  template: z.string().nullable(),
  certificate_id: Id.nullable(),
  discovered: z.boolean(),
  state: z.enum(vhostStates),
  served: Served.nullable(),
  probe_error: Failure.nullable(),
  probed_at: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Vhost = z.infer<typeof Vhost>
