export { type Chore, type Chores, createChores } from './chores.ts'
export { ConfigError, commonConfig, httpUrl, port, readConfig, secretText, signingKey } from './config.ts'
export { type AppContext, createApp, finishApp, requestFacts, send, sendProblem } from './http-app.ts'
export { checkedIdempotencyKey, idFor } from './idempotency-key.ts'
export {
  createHealthApp,
  createInternalApp,
  type InternalAppOptions,
  type InternalRefusal,
} from './internal-app.ts'
export { createInternalClient, type InternalClient } from './internal-client.ts'
export { type InternalKeys, internalKeyConfig, internalKeys, internalKeyVariable } from './internal-keys.ts'
export { createLog, type Logger } from './log.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { openApiDocument } from './openapi.ts'
export { pageArguments, toPage } from './page.ts'
export { assertPlainJson } from './plain-json.ts'
export { createPublicApp, credentialHeaders, type PublicAppOptions } from './public-app.ts'
export { createRateLimit, type RateLimit } from './rate-limit.ts'
export {
  type AnyInternalRoute,
  type AnyRoute,
  internalReplyRoute,
  internalRoute,
  openRoute,
  type Reply,
  type RequestFacts,
  route,
} from './route.ts'
export { type Listening, listen, runService, type ServiceParts } from './serve.ts'
export { createServiceAuth, type ServiceAuth } from './service-auth.ts'
export { inSpan, SpanKind, startTracing, type Tracing, traceHeaders } from './tracing.ts'
export { fieldErrors, validate } from './validate.ts'
