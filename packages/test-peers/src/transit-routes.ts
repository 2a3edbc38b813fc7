import { type Body, createTransitEngine } from './transit-engine.ts'
import { createAppRoles, createPolicies } from './transit-login.ts'
import { createTokenStore, readTokenSettings, type TokenAnswer } from './transit-tokens.ts'

export interface TransitRequest {
  method: string
  /** Behind `/v1/`. */
  path: string
  token: string | undefined
  body: Body
}

const permissionDenied: TokenAnswer = { status: 403, errors: ['permission denied'] }
const policyDenied: TokenAnswer = { status: 403, errors: ['1 error occurred:\n\t* permission denied\n\n'] }
const unsupported: TokenAnswer = { status: 405, errors: ['1 error occurred:\n\t* unsupported operation\n\n'] }
const unknownPath: TokenAnswer = { status: 404, errors: ['1 error occurred:\n\t* unsupported path\n\n'] }

export const noRoute = (path: string): TokenAnswer => ({
  status: 404,
  errors: [`no handler for route "${path}". route entry not found.`],
})

/** Which part of the server answers what, for whom. */
export function createTransitRoutes(nowSeconds: () => number) {
  const tokens = createTokenStore(nowSeconds)
  const policies = createPolicies()
  const appRoles = createAppRoles(tokens, nowSeconds)
  const engine = createTransitEngine(nowSeconds)
  const mounts = new Set<string>()

  const onSys = ([what, first = '', second = '']: string[], body: Body): TokenAnswer => {
    if (what === 'policies') {
      policies.write(second, String(body.policy))
      return { status: 204 }
    }
    const mount = what === 'auth' ? `auth/${first}` : first
    if (mounts.has(mount)) return { status: 400, errors: [`path is already in use at ${first}/`] }
    mounts.add(mount)
    return { status: 204 }
  }
  const onToken = (action: string | undefined, token: string | undefined, body: Body): TokenAnswer => {
    const used = tokens.use(token)
    if (used === undefined) return permissionDenied
    if (action === 'lookup-self') return tokens.lookUp(used)
    if (action === 'renew-self') return tokens.renew(used, body)
    if (action === 'revoke-self') return tokens.revoke(used.id)
    if (!policies.may(used, `auth/token/${action}`, 'update')) return policyDenied
    return action === 'revoke' ? tokens.revoke(String(body.token)) : tokens.issue(readTokenSettings(body))
  }
  const onTransit = (method: string, parts: string[], body: Body, mayCreate: boolean): TokenAnswer => {
    const [operation = '', name = '', action] = parts
    if (operation === 'keys') return engine.onKey(method, name, action, body)
    if (operation !== 'encrypt' && operation !== 'decrypt') return unknownPath
    if (method !== 'POST') return unsupported
    return operation === 'encrypt' ? engine.encrypt(name, body, mayCreate) : engine.decrypt(name, body)
  }
  const onMounted = ({ method, path, token, body }: TransitRequest): TokenAnswer => {
    const used = tokens.use(token)
    if (used === undefined) return permissionDenied
    const capability = { GET: 'read', DELETE: 'delete' }[method] ?? 'update'
    if (!policies.may(used, path, capability)) return policyDenied
    const [first, second, third, fourth = '', fifth] = path.split('/')
    if (first === 'sys') return onSys(path.split('/').slice(1), body)
    if (first === 'auth' && third === 'role' && mounts.has(`auth/${second}`))
      return appRoles.onRole(method, fourth, fifth, body)
    const mount = [...mounts].find((name) => path.startsWith(`${name}/`))
    if (mount === undefined) return noRoute(path)
    const parts = path.slice(mount.length + 1).split('/')
    return onTransit(method, parts, body, policies.may(used, path, 'create'))
  }
  return {
    rootToken: tokens.rootToken,
    answer(request: TransitRequest): TokenAnswer {
      const [first, second, third] = request.path.split('/')
      if (first !== 'auth') return onMounted(request)
      if (second === 'token') return onToken(third, request.token, request.body)
      if (third !== 'login') return onMounted(request)
      return mounts.has(`auth/${second}`) ? appRoles.logIn(request.body) : permissionDenied
    },
  }
}
