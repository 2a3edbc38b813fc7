import { isDeepStrictEqual } from 'node:util'
import { whyExcluded } from './claims.ts'
import { bodyOf, type Comparison, createComparison } from './compare-answers.ts'
import { readTranscript, recordedPorts, type Step } from './recorded-steps.ts'
import { parseAnswer, type Received, send, sendRaw } from './send-step.ts'

export interface Subject {
  /** Port of the recording → port here: Admin API, proxy and the upstreams. */
  ports: ReadonlyMap<number, number>
  /** Kong applies changes after seconds: how long an answer through the proxy may stay behind. */
  settleMsMax: number
  /** Whether the clock stands where it stood in the recording, at the start of a minute. */
  windowsAligned: boolean
}

interface Answer {
  status: number
  headers: [string, string][]
  text: string
  json: unknown
}

interface List {
  data: { id: string }[]
  next: string | null
}

const isList = (json: unknown): json is List =>
  typeof json === 'object' && json !== null && Array.isArray((json as Partial<List>).data)

function recordedAnswer({ response }: Step): Answer {
  if (response.raw !== undefined) {
    const answer = parseAnswer(Buffer.from(response.raw).toString('latin1'))
    if (answer) return received(answer)
  }
  const { status = 0, headers = [], body = '', json } = response
  return { status, headers, text: body, json: json ?? undefined }
}

const received = (answer: Received): Answer => ({
  status: answer.status,
  headers: answer.headers,
  text: answer.body,
  json: bodyOf(answer),
})

function sendStep(step: Step, comparison: Comparison, { ports }: Subject): Promise<Received> {
  const { request } = step
  const port = ports.get(request.port) ?? request.port
  if (request.raw !== undefined) return sendRaw(port, Buffer.from(request.raw))
  const body = request.body ?? undefined
  const here = (text: string) =>
    comparison
      .translateIds(text)
      .replace(/\b\d{4,5}\b/g, (digits) => String(ports.get(Number(digits)) ?? digits))
  return send({
    port,
    method: request.method ?? 'GET',
    path:
      request.port === recordedPorts.admin
        ? comparison.translateIds(request.path ?? '/')
        : (request.path ?? '/'),
    headers: request.headers ?? {},
    body: body === undefined ? undefined : here(body),
  })
}

interface Known {
  comparison: Comparison
  /** Recorded ids that the client chose: those lists have the recording's order here too. */
  chosen: ReadonlySet<string>
  /** Entities of steps that are not replayed. */
  absent: ReadonlySet<string>
}

/** Two answers in common form; lists of random ids are compared without their order. */
function commonForm(recorded: Answer, here: Answer, step: Step, known: Known) {
  const { comparison, chosen, absent } = known
  let wanted = recorded.json
  let found = here.json
  if (isList(wanted) && isList(found) && !wanted.data.every(({ id }) => chosen.has(id))) {
    const sized = step.request.path?.includes('size=')
    const present = wanted.data.filter(({ id }) => !absent.has(id))
    const sorted = (list: List, data: { id: string }[], side: 'recorded' | 'here') =>
      sized
        ? { next: list.next === null ? null : comparison.canonicalText(list.next, side), count: data.length }
        : data.map((item) => JSON.stringify(comparison.canonical(item, side))).sort()
    wanted = sorted(wanted, sized ? wanted.data : present, 'recorded')
    found = sorted(found, found.data, 'here')
  }
  const admin = step.request.port === recordedPorts.admin
  return {
    wanted: {
      status: recorded.status,
      headers: comparison.headers(recorded.headers, 'recorded', admin),
      body: comparison.canonical(wanted ?? recorded.text, 'recorded'),
    },
    found: {
      status: here.status,
      headers: comparison.headers(here.headers, 'here', admin),
      body: comparison.canonical(found ?? here.text, 'here'),
    },
  }
}

const uuidInText = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

function idsOf(text: string): string[] {
  return text.match(uuidInText) ?? []
}

/** Ids that a request names before any answer did. */
function chosenIds(steps: Step[]): Set<string> {
  const answered = new Set<string>()
  const chosen = new Set<string>()
  for (const { request, response } of steps) {
    for (const id of idsOf(`${request.path} ${request.body}`)) if (!answered.has(id)) chosen.add(id)
    for (const id of idsOf(JSON.stringify(response.json ?? ''))) answered.add(id)
  }
  return chosen
}

const show = (value: unknown) => JSON.stringify(value, null, 1)

/** Replays the claimed steps of one file in order; what differs, one text per step. */
export async function replay(file: string, subject: Subject) {
  const steps = readTranscript(file)
  const comparison = createComparison(subject.ports, subject.windowsAligned)
  const absent = new Set<string>()
  const known: Known = { comparison, chosen: chosenIds(steps), absent }
  const differences: string[] = []
  let claimed = 0
  let settled = false
  for (const [index, step] of steps.entries()) {
    const recorded = recordedAnswer(step)
    if (whyExcluded(file, step) !== undefined) {
      const { id } = (recorded.json ?? {}) as { id?: unknown }
      if (typeof id === 'string' && !comparison.knows(id)) absent.add(id)
      continue
    }
    claimed += 1
    const proxied = step.request.port === recordedPorts.proxy
    if (!proxied) settled = false
    const until = proxied && !settled ? Date.now() + subject.settleMsMax : 0
    let forms: ReturnType<typeof commonForm>
    do {
      const here = received(await sendStep(step, comparison, subject))
      if (!isList(recorded.json)) comparison.learn(recorded.json, here.json)
      forms = commonForm(recorded, here, step, known)
      if (isDeepStrictEqual(forms.wanted, forms.found)) break
    } while (Date.now() < until)
    settled ||= proxied
    if (!isDeepStrictEqual(forms.wanted, forms.found)) {
      differences.push(`[${index}] ${step.name}\nrecorded ${show(forms.wanted)}\nhere ${show(forms.found)}`)
    }
  }
  return { claimed, recorded: steps.length, differences }
}
