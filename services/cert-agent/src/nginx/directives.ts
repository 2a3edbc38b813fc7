/** What a directive's arguments are held to. */
export type Rule =
  | 'any'
  /** One of the paths of the deployed certificate, and nothing else: a key of somebody else is not served. */
  | 'certificate'
  | 'key'
  /** A directory that is served, below one of the usual roots of web sites. */
  | 'root'
  /** A file below the server's directories for configuration, or one of NGINX's own by its bare name. */
  | 'include'
  /** A log below /var/log/nginx, or none. */
  | 'log'
  /** A host that is written out, over HTTP: no variable in it, no Unix socket. */
  | 'upstream'
  /** A port, an address or both. */
  | 'listen'
  /** What is told an application server, but not how it is to run. */
  | 'parameter'

const each = (rule: Rule, names: string): [string, Rule][] => names.split(/\s+/).map((name) => [name, rule])

/**
 * The directives that a template may have; everything else is refused, so that what NGINX or one of its modules learns
 * later (`load_module`, `perl`, `content_by_lua…`, `js_content`, `env`, `user`, `dav_methods`, `proxy_store`,
 * `ssl_engine`, …) is not let in by having been forgotten here. Whether one stands where it may, `nginx -t` says.
 */
export const directives: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...each('certificate', 'ssl_certificate'),
  ...each('key', 'ssl_certificate_key'),
  ...each('root', 'root alias'),
  ...each('include', 'include auth_basic_user_file'),
  ...each('log', 'access_log error_log'),
  ...each('upstream', 'proxy_pass grpc_pass'),
  ...each('listen', 'listen'),
  ...each('parameter', 'fastcgi_param uwsgi_param'),
  ...each(
    'any',
    `server_name http2 http3 index try_files return rewrite set break error_page internal
     allow deny satisfy auth_basic auth_request auth_request_set
     ssl_protocols ssl_ciphers ssl_prefer_server_ciphers ssl_ecdh_curve ssl_session_cache ssl_session_timeout
     ssl_session_tickets ssl_early_data ssl_stapling ssl_stapling_verify ssl_buffer_size ssl_reject_handshake
     add_header add_trailer expires etag charset default_type if_modified_since
     gzip gzip_comp_level gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary gzip_buffers
     gzip_http_version gunzip
     keepalive_timeout keepalive_requests keepalive_time client_max_body_size client_body_timeout
     client_body_buffer_size client_header_timeout client_header_buffer_size large_client_header_buffers
     send_timeout sendfile sendfile_max_chunk tcp_nodelay tcp_nopush server_tokens log_not_found log_subrequest
     resolver resolver_timeout underscores_in_headers ignore_invalid_headers merge_slashes absolute_redirect
     port_in_redirect server_name_in_redirect reset_timedout_connection lingering_close lingering_timeout
     limit_req limit_req_status limit_req_log_level limit_conn limit_conn_status limit_rate limit_rate_after
     real_ip_header real_ip_recursive set_real_ip_from recursive_error_pages chunked_transfer_encoding
     proxy_set_header proxy_hide_header proxy_pass_header proxy_ignore_headers proxy_http_version proxy_method
     proxy_connect_timeout proxy_read_timeout proxy_send_timeout proxy_buffering proxy_buffers proxy_buffer_size
     proxy_busy_buffers_size proxy_request_buffering proxy_max_temp_file_size proxy_redirect proxy_cookie_domain
     proxy_cookie_path proxy_cookie_flags proxy_intercept_errors proxy_ignore_client_abort proxy_next_upstream
     proxy_next_upstream_timeout proxy_next_upstream_tries proxy_pass_request_body proxy_pass_request_headers
     proxy_socket_keepalive proxy_ssl_server_name proxy_ssl_name proxy_ssl_verify proxy_ssl_verify_depth
     proxy_ssl_protocols proxy_ssl_ciphers proxy_ssl_session_reuse proxy_cache proxy_cache_key proxy_cache_valid
     proxy_cache_bypass proxy_no_cache proxy_cache_use_stale proxy_cache_lock proxy_cache_methods
     proxy_cache_min_uses proxy_cache_revalidate proxy_cache_background_update
     grpc_set_header grpc_connect_timeout grpc_read_timeout grpc_send_timeout grpc_ssl_server_name grpc_ssl_name
     fastcgi_pass fastcgi_index fastcgi_split_path_info fastcgi_connect_timeout
     fastcgi_read_timeout fastcgi_send_timeout fastcgi_buffers fastcgi_buffer_size fastcgi_buffering
     fastcgi_hide_header fastcgi_intercept_errors
     uwsgi_pass uwsgi_read_timeout uwsgi_send_timeout uwsgi_connect_timeout
     stub_status autoindex sub_filter sub_filter_once sub_filter_types`,
  ),
])

/** The directives of an `upstream` block. */
export const upstreamDirectives: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...each('upstream', 'server'),
  ...each(
    'any',
    'keepalive keepalive_requests keepalive_timeout keepalive_time zone least_conn ip_hash hash random',
  ),
])

/** The directives that have a block, and in which blocks they may be; the empty name is the file itself. */
export const blocks: ReadonlyMap<string, readonly string[]> = new Map([
  ['server', ['']],
  ['upstream', ['']],
  ['map', ['']],
  ['location', ['server', 'location']],
  ['if', ['server', 'location']],
  ['limit_except', ['location']],
  ['types', ['server', 'location']],
])

/** Their entries are no directives, but for an `include` among them. */
export const tables: ReadonlySet<string> = new Set(['map', 'types'])

/** NGINX's own, beside its main configuration file. */
export const ownIncludes: ReadonlySet<string> = new Set([
  'fastcgi_params',
  'fastcgi.conf',
  'mime.types',
  'proxy_params',
  'scgi_params',
  'uwsgi_params',
])

/** Below these are web sites. */
export const siteRoots = ['/var/www', '/srv', '/usr/share/nginx', '/opt'] as const
export const logRoot = '/var/log/nginx'
