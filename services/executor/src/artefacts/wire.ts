import type { Artefact } from './store.ts'

export const toArtefactWire = (artefact: Artefact) => ({
  ...artefact,
  created_at: artefact.created_at.toISOString(),
})

/**
 * For a file that is saved and never shown: it may be a page or a script of somebody's making. RFC 6266: the plain name
 * for old clients, the real one in RFC 8187's form.
 */
export const downloadHeaders = ({ name, content_type, bytes }: Artefact): Record<string, string> => ({
  'Content-Type': /^text\/plain\b|^application\/json\b/.test(content_type)
    ? content_type
    : 'application/octet-stream',
  'Content-Length': String(bytes),
  'Content-Disposition': `attachment; filename="${name.replaceAll(/[^\w .-]/g, '_')}"; filename*=UTF-8''${encoded(name)}`,
  'Content-Security-Policy': "default-src 'none'; sandbox",
})

const encoded = (name: string): string =>
  encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
