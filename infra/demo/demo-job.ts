/**
 * The demo runbook: how is a service doing right now, and who answers for it? One HTTP step on a live measurement, one
 * SQL step on the service catalogue, both joined in the answer.
 */
export const demoJob = (statusUrl: string) => ({
  name: 'service-report',
  description: 'Live status of a service, joined with who owns it.',
  input_schema: {
    type: 'object',
    properties: { service: { type: 'string', pattern: '^[a-z-]{1,50}$' } },
    required: ['service'],
    additionalProperties: false,
  },
  steps: [
    {
      id: 'status',
      type: 'http.get',
      credential: 'demo-status',
      input: { url: `${statusUrl}/services/{{ input.service }}/status` },
      timeout_seconds: 5,
    },
    {
      id: 'catalogue',
      type: 'sql.query',
      credential: 'demo-catalogue',
      input: {
        sql: 'SELECT owner_team, tier, on_call FROM service_catalogue WHERE name = $1',
        parameters: ['{{ input.service }}'],
      },
      timeout_seconds: 5,
    },
  ],
  output: {
    service: '{{ input.service }}',
    live: '{{ steps.status.body }}',
    owner: '{{ steps.catalogue.rows.0 }}',
  },
})
