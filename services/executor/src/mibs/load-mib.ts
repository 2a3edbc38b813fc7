import { AppError, invalidField } from '@opsconductor/errors'
import type { ExecutorDeps } from '../deps.ts'
import { baseModules, isBaseModule } from './base-modules.ts'
import { linkModules } from './link-modules.ts'
import { MibFault } from './mib-fault.ts'
import { type MibModule, parseModule } from './parse-module.ts'
import { parseModules } from './project-mibs.ts'
import type { MibRecord } from './store.ts'

const modulesMax = 200
const charactersMax = 8_000_000
const definitionsMax = 100_000

/**
 * Takes a module into the project, in place of one of the same name. Throws `validation_failed` where it cannot be read or
 * lacks another, `conflict` where the name is one of ours or a loaded module would no longer hold.
 */
export async function loadMib(
  { mibs, events }: Pick<ExecutorDeps, 'mibs' | 'events'>,
  projectId: string,
  by: string,
  text: string,
): Promise<{ record: MibRecord; isNew: boolean }> {
  const module = parse(text)
  if (isBaseModule(module.name))
    throw new AppError('conflict', `${module.name} is there already: it comes with the executor.`)
  const texts = await mibs.texts(projectId)
  const otherTexts = texts.filter(({ name }) => name !== module.name)
  const before = await parseModules(texts)
  const after = [...before.filter(({ name }) => name !== module.name), module]
  assertRoom([...otherTexts, { text }], after)
  assertLinked(before, after, module)
  const record = await mibs.put({
    ...{ projectId, name: module.name, text, by },
    imports: [...module.importsFrom],
    objectCount: module.objects.size,
  })
  events.mibsChanged({ projectId, module: module.name, change: 'loaded', by })
  return { record, isNew: otherTexts.length === texts.length }
}

function parse(text: string): MibModule {
  try {
    return parseModule(text)
  } catch (error) {
    throw error instanceof MibFault ? refuse(error.message) : error
  }
}

function assertLinked(before: MibModule[], after: MibModule[], module: MibModule): void {
  const faultsOf = (modules: MibModule[]) => linkModules([...baseModules(), ...modules]).faults
  const faults = faultsOf(after)
  const own = faults.get(module.name)
  if (own !== undefined) throw refuse(own.message)
  const known = faultsOf(before)
  for (const [name, fault] of faults)
    if (!known.has(name))
      throw new AppError('conflict', `With it a loaded module would no longer hold: ${fault.message}.`)
}

function assertRoom(texts: readonly { text: string }[], modules: readonly MibModule[]): void {
  const characters = texts.reduce((sum, { text }) => sum + text.length, 0)
  const definitions = modules.reduce((sum, { objects, types }) => sum + objects.size + types.size, 0)
  if (texts.length > modulesMax || characters > charactersMax || definitions > definitionsMax)
    throw new AppError(
      'conflict',
      `The project's MIB modules are too many: ${modulesMax} modules, ${charactersMax} characters and ${definitionsMax} definitions at most.`,
    )
}

const refuse = (message: string) => invalidField('body.text', message)
