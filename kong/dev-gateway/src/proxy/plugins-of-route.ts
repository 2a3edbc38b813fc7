import { pluginTypeByName } from '../plugins/index.ts'
import type { Access, Clock, Plugin } from '../plugins/plugin.ts'
import type { Store } from '../store/store.ts'

export type StartPlugin = (plugin: Plugin) => Access | undefined

/** Counters live in the started plugin, so one that did not change is not started again. */
export function createPluginStarter(clock: Clock): StartPlugin {
  const started = new WeakMap<Plugin, Access>()
  return (plugin) => {
    const access = started.get(plugin) ?? pluginTypeByName.get(plugin.name)?.start(plugin, clock)
    if (access) started.set(plugin, access)
    return access
  }
}

/** For each plugin name the most specific one that fits: route and service, route, service, global. */
export function pluginFinder(store: Store, start: StartPlugin) {
  const byScope = new Map<string, Plugin>()
  for (const plugin of store.list('plugins') as unknown as Plugin[]) {
    // There are no consumers to recognise here, so what is bound to one never runs.
    if (!plugin.enabled || plugin.consumer) continue
    byScope.set(`${plugin.name}|${plugin.route?.id ?? ''}|${plugin.service?.id ?? ''}`, plugin)
  }
  const types = [...pluginTypeByName.values()].sort((a, b) => b.priority - a.priority)
  return (route: string, service: string): Access[] =>
    types.flatMap(({ name }) => {
      const scopes = [`${name}|${route}|${service}`, `${name}|${route}|`, `${name}||${service}`, `${name}||`]
      const [plugin] = scopes.flatMap((scope) => byScope.get(scope) ?? [])
      return (plugin && start(plugin)) ?? []
    })
}
