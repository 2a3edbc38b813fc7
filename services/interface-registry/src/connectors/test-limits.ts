import { createRateLimit } from '@opsconductor/service-kit'

const minuteMs = 60_000

/** Each test logs in somewhere: too many lock accounts and look like an attack. */
export const createTestLimits = (now: () => number = Date.now) => ({
  ofConnector: createRateLimit({
    max: 5,
    windowMs: minuteMs,
    detail: 'This connector was tested five times within a minute; wait before the next.',
    now,
  }),
  ofProject: createRateLimit({
    max: 30,
    windowMs: minuteMs,
    detail: "The project's connectors were tested thirty times within a minute; wait before the next.",
    now,
  }),
})
