import type { ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { type AppContext, createApp, finishApp } from '@opsconductor/service-kit'
import express, { type Express } from 'express'
import { type Config, documented } from './config.ts'
import { mergeOpenApi } from './merged-openapi.ts'
import { contentSecurityPolicy, docsPage, docsScript, homePage } from './pages.ts'

const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

/** The pages behind the gateway: no data, no credentials. */
export function createPublicApp(context: AppContext, config: Config): Express {
  const app = createApp(context, { bodyBytesMax: 1024 })
  app.use((_request, response, next) => {
    response.set('Content-Security-Policy', contentSecurityPolicy)
    response.set('Referrer-Policy', 'no-referrer')
    next()
  })
  const sources = Object.fromEntries(
    Object.entries(documented).map(([service, variable]) => [service, config[variable]]),
  )
  app.get('/', (_request, response) => {
    response.type('html').send(homePage)
  })
  app.get('/docs', (_request, response) => {
    response.type('html').send(docsPage)
  })
  app.get('/docs/start.js', (_request, response) => {
    response.type('js').send(docsScript)
  })
  app.get('/docs/openapi.json', async (_request, response) => {
    response.json(await mergeOpenApi(sources))
  })
  const setHeaders = (response: ServerResponse) => response.setHeader('Cache-Control', 'public, max-age=3600')
  app.use('/docs/assets', express.static(assets, { index: false, setHeaders }))
  return finishApp(app, context)
}
