import { expect, test } from '@jest/globals'
import { bytesOf, escapePath, normalizePath, upstreamPath } from './path.ts'

test('a path is decoded where that cannot change what it names, and only there', () => {
  expect(normalizePath('/a/%41%2fb%2F/%7e')).toBe('/a/A%2Fb%2F/~')
  expect(normalizePath('/%C3%A9')).toBe(bytesOf('/é'))
  expect(normalizePath('/a//b/./c/../d')).toBe('/a/b/d')
  expect(normalizePath('/a/%2e%2E/b')).toBe('/b')
  expect(normalizePath('/a/..')).toBe('/')
  expect(normalizePath('/.a/..b')).toBe('/.a/..b')
})

test('a path that leaves the root, or holds a broken or NUL escape, is none', () => {
  for (const path of ['/..', '/a/../..', '/%2e%2e/a', '/%zz', '/%4', '/%', '/a%00']) {
    expect(normalizePath(path)).toBeUndefined()
  }
})

test('a normalised path stays the same when it is normalised again', () => {
  for (const path of ['/%2541', '/%25', '/a%252fb', '/%2E%2e', '/%C3%A9', '/a%20b', '/%2F..%2F..']) {
    const once = normalizePath(path)
    const twice = once === undefined ? undefined : normalizePath(escapePath(once))
    expect(twice).toBe(once)
  }
})

test('the path for the upstream joins the service path with what is left, with one slash between', () => {
  expect(upstreamPath(null, '/', '')).toBe('/')
  expect(upstreamPath('/base', '/r', '')).toBe('/base')
  expect(upstreamPath('/base/', '/r/', '')).toBe('/base/')
  expect(upstreamPath('/base/', '/r', '')).toBe('/base')
  expect(upstreamPath('/base', '/rx', 'x')).toBe('/base/x')
  expect(upstreamPath('/base/', '/r/x', '/x')).toBe('/base/x')
  expect(upstreamPath('/base', '/r', undefined)).toBe('/base/r')
})
