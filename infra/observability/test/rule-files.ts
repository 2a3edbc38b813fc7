import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const directory = fileURLToPath(new URL('../', import.meta.url))
const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string; description: string; runbook_url: string }
}
export interface Panel {
  id: number
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { refId: string; expr: string }[]
}

export const read = (file: string): string => readFileSync(join(directory, file), 'utf8')

export const rulesOf = (name: string): Rule[] =>
  parse(read(`alerts/${name}.yml`)).groups.flatMap((group: { rules: Rule[] }) => group.rules)

export const panelsOf = (name: string): Panel[] => JSON.parse(read(`dashboards/${name}.json`)).panels

/** What is wrong with how rules say what they mean: empty where every runbook leads to a section that is there. */
export function ruleFaults(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ alert, labels, annotations: { summary, description, runbook_url } }) => {
    const [file = '', anchor = ''] = runbook_url.split('#')
    const headings = [...readFileSync(join(root, file), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading as string).toLowerCase().replaceAll(' ', '-'),
    )
    return [
      ...(rules.filter((rule) => rule.alert === alert).length > 1 ? ['is there twice'] : []),
      ...(['info', 'warning', 'critical'].includes(labels.severity) ? [] : ['has no severity']),
      ...(summary.length > 10 && description.length > 40 ? [] : ['says too little']),
      ...(headings.includes(anchor) ? [] : [`leads to ${runbook_url}, which is not there`]),
    ].map((fault) => `${alert} ${fault}`)
  })
}

/** Panels with the same id, or that lie on each other or beyond the grid. */
export function panelFaults(panels: readonly Panel[]): string[] {
  const taken = new Set<string>()
  return panels.flatMap(({ id, title, gridPos: { x, y, w, h }, targets }) => {
    const cells = Array.from({ length: w * h }, (_, i) => `${x + (i % w)}/${y + Math.floor(i / w)}`)
    const keys = [`id ${id}`, ...cells]
    const faults = [
      ...(keys.some((key) => taken.has(key)) ? ['lies on another'] : []),
      ...(x + w > 24 ? ['is beyond the grid'] : []),
      ...(new Set(targets.map(({ refId }) => refId)).size < targets.length
        ? ['has two queries of a name']
        : []),
    ]
    for (const key of keys) taken.add(key)
    return faults.map((fault) => `${title} ${fault}`)
  })
}
