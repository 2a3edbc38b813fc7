import prom from 'prom-client'

/** A service's own metrics registry: process metrics and one histogram of the requests it answers. */
export function createMetrics() {
  const registry = new prom.Registry()
  prom.collectDefaultMetrics({ register: registry })
  const requestSeconds = new prom.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  return {
    registry,
    requestSeconds,
    counter: (name: string, help: string, labelNames: string[] = []) =>
      new prom.Counter({ name, help, labelNames, registers: [registry] }),
    gauge: (name: string, help: string, labelNames: string[] = []) =>
      new prom.Gauge({ name, help, labelNames, registers: [registry] }),
    histogram: (name: string, help: string, labelNames: string[], buckets: number[]) =>
      new prom.Histogram({ name, help, labelNames, buckets, registers: [registry] }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
