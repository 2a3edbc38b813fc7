import {
  getKeyringEndpoint,
  IdParams,
  openEndpoint,
  resealEndpoint,
  rollBackKeyRotationEndpoint,
  sealEndpoint,
  startKeyRotationEndpoint,
} from '@opsconductor/contracts'
import { internalRoute, validate } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { rollBackRotation } from './roll-back-rotation.ts'
import { selectKeyStates, selectRotations } from './rotation-store.ts'
import { openText, resealText, sealText } from './seal-text.ts'
import { startRotation } from './start-rotation.ts'

export const getKeyringRoute = (deps: Deps) =>
  internalRoute(getKeyringEndpoint, async () => ({
    keys: await selectKeyStates(deps.pool),
    rotations: await selectRotations(deps.pool),
  }))

export const startKeyRotationRoute = (deps: Deps) =>
  internalRoute(startKeyRotationEndpoint, async ({ request, ...actor }) => ({
    rotations: await startRotation(deps, actor, request),
  }))

export const rollBackKeyRotationRoute = (deps: Deps) =>
  internalRoute(rollBackKeyRotationEndpoint, ({ params, ...actor }) =>
    rollBackRotation(deps, actor, validate(IdParams, params, 'params').id),
  )

export const sealRoute = (deps: Deps) =>
  internalRoute(sealEndpoint, ({ request, ...actor }) => sealText(deps, actor, request))

export const openRoute = (deps: Deps) =>
  internalRoute(openEndpoint, ({ request, ...actor }) => openText(deps, actor, request))

export const resealRoute = (deps: Deps) =>
  internalRoute(resealEndpoint, ({ request, ...actor }) => resealText(deps, actor, request))
