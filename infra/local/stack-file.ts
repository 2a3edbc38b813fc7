import type { Demo } from '../demo/set-up-demo.ts'
import { adminEmail, serviceSpecs } from './services.ts'
import type { Stack } from './stack.ts'

/** What `.opsconductor/stack.json` tells other programs of the running stack. */
export function describeStack({ layout, keys, backing }: Stack, demo: Demo) {
  const local = (port: number) => `http://127.0.0.1:${port}`
  return {
    gateway_url: backing.kongProxyUrl,
    kong_admin_url: backing.kongAdminUrl,
    database_url: backing.databaseUrl,
    temporal: { address: backing.temporalAddress, ui_url: local(layout.ports.temporalUi) },
    services: Object.fromEntries(
      serviceSpecs.map(({ name, publicPort, internalPort }) => [
        name,
        { public_url: local(layout.ports[publicPort]), internal_url: local(layout.ports[internalPort]) },
      ]),
    ),
    internal_key: keys.internalKey,
    admin: { email: adminEmail, password: keys.adminPassword },
    demo: {
      project_id: demo.projectId,
      api_key: demo.apiKey,
      public_url: demo.publicUrl,
      method: 'POST',
      body: demo.body,
      curl: curlOf(demo),
    },
    started_at: new Date().toISOString(),
  }
}

export function curlOf({ publicUrl, apiKey, body }: Demo): string {
  return `curl -s ${publicUrl} -H 'X-API-Key: ${apiKey}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`
}

/** The table that `npm start` ends with. */
export function summaryTable({ layout, keys, backing }: Stack, demo: Demo, seconds: number): string {
  const rows = [
    [
      'gateway',
      `${backing.kongProxyUrl}  (TLS: https://127.0.0.1:${layout.ports.gatewayTls}, CA: ${layout.gatewayData}/tls/ca.pem)`,
    ],
    ['documentation', `${backing.kongProxyUrl}/docs`],
    ['Temporal', `http://127.0.0.1:${layout.ports.temporalUi}`],
    ['Kong Admin API', backing.kongAdminUrl],
    ['sign in as', `${adminEmail}  ${keys.adminPassword}`],
    ['demo project', demo.projectId],
    ['demo API key', demo.apiKey],
    ['everything', layout.stackFile],
  ] as const
  const lines = rows.map(([name, value]) => `  ${name.padEnd(15)} ${value}`)
  return `\nOpsConductor is ready (${seconds.toFixed(1)} s)\n\n${lines.join('\n')}\n\nTry it:\n\n  ${curlOf(demo)}\n`
}
