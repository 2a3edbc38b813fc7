import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode, type Logger, type WorkflowBundle } from '@temporalio/worker'
import { tracingWorkflowModule } from './worker-tracing.ts'
import { hashWorkflowSources } from './workflow-sources.ts'

export interface WorkflowBundleOptions {
  /** The file whose exports are the workflows. */
  workflowsPath: string
  /** Where bundles are kept between starts; by default a folder of this user's under the system's temporary one. */
  directory?: string | undefined
  /** Puts the tracing interceptors into the bundle. */
  tracing?: boolean
  logger: Logger
}

/** Bundles of older sources that stay beside the newest one. */
const keptMax = 5

/** The workflows as one script. Making it takes seconds, so it is kept on disk under a hash of all it is made of. */
export async function loadWorkflowBundle(options: WorkflowBundleOptions): Promise<WorkflowBundle> {
  const directory = options.directory ?? join(tmpdir(), `opsconductor-bundles-${userInfo().uid}`)
  await makePrivate(directory)
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string }
  const hash = createHash('sha256')
    .update(await hashWorkflowSources(options.workflowsPath))
    // How a bundle is made is in this file: a change here makes the kept ones stale too.
    .update(await readFile(fileURLToPath(import.meta.url)))
    .digest('hex')
  const file = join(directory, `${hash.slice(0, 32)}-${version}${options.tracing ? '-traced' : ''}.cjs`)
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return { code: kept }
  const { code } = await bundleWorkflowCode({
    workflowsPath: options.workflowsPath,
    // Evaluated once per worker instead of once per workflow, which is a sixth of a short run's CPU. Workflow modules
    // must therefore keep no state of their own outside their functions.
    preloadModules: [options.workflowsPath],
    workflowInterceptorModules: options.tracing ? [tracingWorkflowModule] : [],
    logger: options.logger,
    // The SDK insists on an inline map; without the sources in it the bundle is a third of its size.
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-cheap-module-source-map' }),
  })
  const draft = join(directory, `${randomUUID()}.draft`)
  await writeFile(draft, code, { mode: 0o600, flag: 'wx' })
  await rename(draft, file)
  await removeOld(directory)
  return { code }
}

/** The bundle is code that we run: nobody else may own or write the folder it is read from. */
async function makePrivate(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { uid } = await stat(directory)
  if (uid !== userInfo().uid)
    throw new Error(`${directory} belongs to another user; set WORKFLOW_BUNDLE_DIR to a folder of your own`)
  await chmod(directory, 0o700)
}

async function removeOld(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.cjs'))
  const files = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(directory, name))).mtimeMs })),
  )
  files.sort((a, b) => b.at - a.at)
  for (const { name } of files.slice(keptMax)) await rm(join(directory, name), { force: true })
}
