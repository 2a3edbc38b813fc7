/** Only our own files: no inline script, nothing from elsewhere, and nobody may frame the page. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const page = (title: string, head: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`

export const homePage = page(
  'OpsConductor',
  '<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>',
  `<h1>OpsConductor</h1>
<p>Jobs made of steps run as durable workflows on credentials that no caller sees, and are published as HTTP interfaces guarded by API keys.</p>
<ul>
<li><a href="/docs/">API documentation</a></li>
<li><a href="/docs/openapi.json">OpenAPI 3.1 document</a></li>
</ul>`,
)

export const docsPage = page(
  'OpsConductor API',
  '<link rel="stylesheet" href="/docs/assets/swagger-ui.css">',
  `<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>`,
)

export const docsScript = `SwaggerUIBundle({ url: '/docs/openapi.json', dom_id: '#swagger-ui', deepLinking: true })\n`
