import { readFileSync } from 'node:fs'

export interface Step {
  name: string
  request: {
    port: number
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: string | null
    raw?: string
  }
  response: { status?: number; headers?: [string, string][]; body?: string; json?: unknown; raw?: string }
}

export const recordedPorts = { admin: 18001, proxy: 18000, echo: 18080 }

export function readTranscript(file: string): Step[] {
  const url = new URL(`./transcripts/${file}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { steps: Step[] }).steps
}
