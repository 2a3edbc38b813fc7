import * as nexus from 'nexus-rpc'

export const bareCalls = nexus.service('bare', { call: nexus.operation<{ by: number }, unknown>() })
