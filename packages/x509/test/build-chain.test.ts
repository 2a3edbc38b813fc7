import { expect, test } from '@jest/globals'
import * as asn1js from 'asn1js'
import { buildChain, type Chain, type ChainRequest } from '../src/build-chain.ts'
import {
  alternativeNames,
  authority,
  type CertificateWishes,
  extension,
  type Identity,
  keyUsage,
  makeCertificate,
  makeChain,
  makeKey,
  nameConstraints,
  ofDirectory,
  ofDns,
  ofEmail,
  ofIp,
  ofUri,
  purposes,
} from './make-certificate.ts'
import { openssl } from './openssl.ts'

const now = new Date('2027-01-01T00:00:00Z')
const usual = makeChain()

function chainOf(
  leaf: Identity,
  candidates: Identity[],
  trust: Identity[] | undefined,
  more: Partial<ChainRequest> = {},
): Chain {
  return buildChain({
    leaf: leaf.certificate,
    candidates: candidates.map(({ certificate }) => certificate),
    trust: trust?.map(({ certificate }) => certificate),
    now,
    ...more,
  })
}

const codesOf = ({ faults }: Chain): string[] => faults.map(({ code }) => code)

/** The codes of a chain of three, of which one or more were made otherwise. */
function codesWith(wishes: {
  root?: CertificateWishes
  intermediate?: CertificateWishes
  leaf?: CertificateWishes
}): string[] {
  const root = makeCertificate('Root', { ca: true, ...wishes.root })
  const intermediate = makeCertificate('Intermediate', { ca: true, issuer: root, ...wishes.intermediate })
  const leaf = makeCertificate('leaf', { issuer: intermediate, ...wishes.leaf })
  return codesOf(chainOf(leaf, [intermediate], [root]))
}

test('000.25 a chain is found whatever the order, and surplus certificates are left out and reported', () => {
  const stranger = makeCertificate('Stranger', { ca: true })
  const sibling = makeCertificate('sibling', { issuer: usual.intermediate })
  const given = [stranger, usual.root, usual.leaf, sibling, usual.intermediate]
  for (const candidates of [given, given.toReversed(), [...given, ...given]]) {
    const chain = chainOf(usual.leaf, candidates, [usual.root], { key: usual.leaf.key })
    expect(chain).toMatchObject({ ok: true, faults: [], missingIssuer: undefined })
    expect(chain.chain).toEqual([usual.leaf.certificate, usual.intermediate.certificate])
    expect(chain.anchor).toBe(usual.root.certificate)
    expect(new Set(chain.surplus)).toEqual(new Set([stranger.certificate, sibling.certificate]))
  }
})

test('000.25 without a trust store a chain may stop below its root, but a link must not be missing inside it', () => {
  const { root, intermediate, leaf } = usual
  expect(chainOf(leaf, [intermediate], undefined)).toMatchObject({
    ok: true,
    missingIssuer: 'O=OpsConductor, CN=Root',
  })
  expect(chainOf(leaf, [intermediate, root], undefined)).toMatchObject({ ok: true, missingIssuer: undefined })
  const broken = chainOf(leaf, [root], undefined)
  expect(broken.faults).toMatchObject([
    {
      code: 'issuer_missing',
      certificate: leaf.certificate,
      message: expect.stringContaining('CN=Intermediate'),
    },
  ])
})

test('000.25 whom nobody trusts is refused, and an empty trust store trusts nobody', () => {
  const { root, intermediate, leaf } = usual
  const stranger = makeCertificate('Stranger', { ca: true })
  expect(codesOf(chainOf(leaf, [intermediate, root], [stranger]))).toEqual(['untrusted_root'])
  expect(codesOf(chainOf(leaf, [intermediate], []))).toEqual(['issuer_missing'])
  const impostor = makeCertificate('Root', { ca: true })
  expect(codesOf(chainOf(leaf, [intermediate], [impostor]))).toEqual(['bad_signature'])
  expect(chainOf(leaf, [], [intermediate]).ok).toBe(true)
  const alone = makeCertificate('alone', { dns: ['alone.example.com'] })
  expect(chainOf(alone, [], [alone])).toMatchObject({ ok: true, chain: [alone.certificate] })
  expect(codesOf(chainOf(alone, [], [root]))).toEqual(['untrusted_root'])
})

test('000.25 a signature by another key of the same name is refused', () => {
  expect(codesWith({ leaf: { signingKey: makeKey() } })).toEqual(['bad_signature'])
  expect(codesWith({ intermediate: { signingKey: makeKey() } })).toEqual(['bad_signature'])
})

test('000.25 every link must be valid now, the anchor too', () => {
  for (const link of ['root', 'intermediate', 'leaf'] as const) {
    expect(codesWith({ [link]: { notAfter: '2026-12-31' } })).toEqual(['expired'])
    expect(codesWith({ [link]: { notBefore: '2027-01-02' } })).toEqual(['not_yet_valid'])
  }
})

test('000.25 only an authority whose key may sign certificates issues any', () => {
  for (const link of ['root', 'intermediate'] as const) {
    expect(codesWith({ [link]: { extensions: [authority(false), keyUsage(true)] } })).toEqual([
      'issuer_is_no_ca',
    ])
    expect(codesWith({ [link]: { extensions: [keyUsage(true)] } })).toEqual(['issuer_is_no_ca'])
    expect(codesWith({ [link]: { extensions: [authority(true), keyUsage(false)] } })).toEqual([
      'issuer_may_not_sign',
    ])
  }
  expect(codesWith({ root: { extensions: [authority(true)] } })).toEqual([])
})

test('000.25 a path length is kept; authorities that issued themselves do not count', () => {
  expect(codesWith({ root: { pathLength: 0 } })).toEqual(['path_too_long'])
  expect(codesWith({ root: { pathLength: 1 }, intermediate: { pathLength: 0 } })).toEqual([])
  const root = makeCertificate('Root', { ca: true, pathLength: 1 })
  const renewed = makeCertificate('Root', { ca: true, issuer: root })
  const intermediate = makeCertificate('Intermediate', { ca: true, issuer: renewed })
  const leaf = makeCertificate('leaf', { issuer: intermediate })
  expect(codesOf(chainOf(leaf, [renewed, intermediate], [root]))).toEqual([])
})

const constraintCases: [
  string,
  Parameters<typeof nameConstraints>[0],
  ReturnType<typeof ofDns>[],
  boolean,
][] = [
  ['the host itself', { permitted: [ofDns('example.com')] }, [ofDns('Example.COM')], true],
  ['a host below', { permitted: [ofDns('example.com')] }, [ofDns('a.b.example.com')], true],
  ['a host that only ends alike', { permitted: [ofDns('example.com')] }, [ofDns('notexample.com')], false],
  [
    'one name of two outside',
    { permitted: [ofDns('example.com')] },
    [ofDns('example.com'), ofDns('x.org')],
    false,
  ],
  [
    'a leading dot without a host before it',
    { permitted: [ofDns('.example.com')] },
    [ofDns('example.com')],
    false,
  ],
  ['another kind of name', { permitted: [ofDns('example.com')] }, [ofIp(10, 0, 0, 1)], true],
  ['an excluded host', { excluded: [ofDns('secret.example.com')] }, [ofDns('x.secret.example.com')], false],
  [
    'a host beside the excluded',
    { excluded: [ofDns('secret.example.com')] },
    [ofDns('www.example.com')],
    true,
  ],
  [
    'a wildcard over the excluded',
    { excluded: [ofDns('secret.example.com')] },
    [ofDns('*.example.com')],
    false,
  ],
  [
    'what is permitted and excluded',
    { permitted: [ofDns('example.com')], excluded: [ofDns('a.example.com')] },
    [ofDns('a.example.com')],
    false,
  ],
  ['every host excluded', { excluded: [ofDns('')] }, [ofDns('www.example.com')], false],
  ['an address in the network', { permitted: [ofIp(10, 0, 0, 0, 255, 0, 0, 0)] }, [ofIp(10, 9, 8, 7)], true],
  ['an address outside', { permitted: [ofIp(10, 0, 0, 0, 255, 0, 0, 0)] }, [ofIp(11, 0, 0, 1)], false],
  ['an excluded address', { excluded: [ofIp(10, 0, 0, 0, 255, 0, 0, 0)] }, [ofIp(10, 0, 0, 1)], false],
  [
    'an IPv6 address where IPv4 is permitted',
    { permitted: [ofIp(10, 0, 0, 0, 255, 0, 0, 0)] },
    [ofIp(...Array(16).fill(1))],
    false,
  ],
  ['a mailbox at the host', { permitted: [ofEmail('example.com')] }, [ofEmail('ops@example.com')], true],
  [
    'a mailbox below the host',
    { permitted: [ofEmail('example.com')] },
    [ofEmail('ops@mx.example.com')],
    false,
  ],
  [
    'a mailbox below the domain',
    { permitted: [ofEmail('.example.com')] },
    [ofEmail('ops@mx.example.com')],
    true,
  ],
  ['the one mailbox', { permitted: [ofEmail('ops@example.com')] }, [ofEmail('ops@EXAMPLE.com')], true],
  ['another mailbox', { permitted: [ofEmail('ops@example.com')] }, [ofEmail('dev@example.com')], false],
  ['an excluded mailbox', { excluded: [ofEmail('example.com')] }, [ofEmail('ops@example.com')], false],
  ['a URI at the host', { permitted: [ofUri('example.com')] }, [ofUri('https://example.com/a')], true],
  ['a URI elsewhere', { permitted: [ofUri('example.com')] }, [ofUri('https://example.org/a')], false],
  ['a URI with an address', { excluded: [ofUri('example.com')] }, [ofUri('https://10.0.0.1/a')], false],
  ['a subject elsewhere', { permitted: [ofDirectory('other')] }, [], false],
  ['the subject', { permitted: [ofDirectory('LEAF')] }, [], true],
  ['an excluded subject', { excluded: [ofDirectory('leaf')] }, [], false],
]

test.each(constraintCases)('000.25 name constraints: %s', (_, lists, names, isPermitted) => {
  const { root, leaf } = constrainedPair(lists, names)
  expect(codesOf(chainOf(leaf, [], [root]))).toEqual(isPermitted ? [] : ['name_not_permitted'])
})

test('000.25 name constraints reach over intermediates and to the e-mail address in a subject', () => {
  const constrained = {
    ca: true,
    more: [nameConstraints({ permitted: [ofDns('example.com'), ofEmail('example.com')] })],
  }
  expect(codesWith({ root: constrained, leaf: { dns: ['www.example.org'] } })).toEqual(['name_not_permitted'])
  const mail: [string, string][] = [['1.2.840.113549.1.9.1', 'ops@example.org']]
  expect(codesWith({ root: constrained, leaf: { attributes: mail } })).toEqual(['name_not_permitted'])
  expect(codesWith({ root: constrained, leaf: { dns: ['www.example.com'] } })).toEqual([])
})

test('000.25 a critical extension that nobody here understands is refused, any other is let be', () => {
  const unknown = (critical: boolean) => [extension('1.3.6.1.4.1.99999.1', critical, new asn1js.Null())]
  for (const link of ['root', 'intermediate', 'leaf'] as const) {
    expect(codesWith({ [link]: { more: unknown(true) } })).toEqual(['unknown_critical_extension'])
    expect(codesWith({ [link]: { more: unknown(false) } })).toEqual([])
  }
})

test('000.25 SHA-1 signs nothing below the anchor', () => {
  expect(codesWith({ leaf: { sha1: true } })).toEqual(['weak_signature'])
  expect(codesWith({ root: { sha1: true } })).toEqual([])
})

test('000.25 a key on an unusual curve is refused', () => {
  expect(codesWith({ intermediate: { key: makeKey('secp256k1') } })).toEqual(['unsupported_key'])
})

test('000.25 the leaf is for the purpose, the names and the key that are asked for', () => {
  const client = '1.3.6.1.5.5.7.3.2'
  const leaf = makeCertificate('leaf', {
    issuer: usual.intermediate,
    extensions: [
      purposes(client),
      alternativeNames(ofDns('*.example.com'), ofDns('example.com'), ofIp(10, 0, 0, 1)),
    ],
  })
  const codes = (more: Partial<ChainRequest>): string[] =>
    codesOf(chainOf(leaf, [usual.intermediate], [usual.root], more))
  expect(codes({ purpose: 'client' })).toEqual([])
  expect(codes({ purpose: 'server' })).toEqual(['wrong_purpose'])
  expect(codes({ key: leaf.key })).toEqual([])
  expect(codes({ key: makeKey() })).toEqual(['key_mismatch'])
  expect(codes({ names: ['www.example.com', 'EXAMPLE.com', '10.0.0.1', '*.example.com'] })).toEqual([])
  for (const name of ['a.b.example.com', '10.0.0.2', 'leaf', '.example.com', '', 'example.com\0.org', '::1'])
    expect(codes({ names: [name] })).toEqual(['name_mismatch'])
})

test('000.25 of two ways up the one that holds is taken: past an expired cross-signature, to the trusted root', () => {
  const [oldRoot, newRoot] = [makeCertificate('Old', { ca: true }), makeCertificate('New', { ca: true })]
  const key = makeKey()
  const cross = makeCertificate('Issuing', { ca: true, key, issuer: oldRoot, notAfter: '2026-06-01' })
  const direct = makeCertificate('Issuing', { ca: true, key, issuer: newRoot })
  const leaf = makeCertificate('leaf', { issuer: direct })
  for (const candidates of [
    [cross, direct],
    [direct, cross],
  ]) {
    const chain = chainOf(leaf, candidates, [oldRoot, newRoot])
    expect(chain).toMatchObject({
      ok: true,
      chain: [leaf.certificate, direct.certificate],
      surplus: [cross.certificate],
    })
    expect(codesOf(chainOf(leaf, candidates, [oldRoot]))).toEqual(['expired'])
  }
})

test('000.25 authorities that signed each other in a circle, and a crowd of cross-signatures, end the search', () => {
  const [keyA, keyB] = [makeKey(), makeKey()]
  const seedB = makeCertificate('B', { ca: true, key: keyB })
  const circleA = makeCertificate('A', { ca: true, key: keyA, issuer: seedB })
  const circleB = makeCertificate('B', { ca: true, key: keyB, issuer: circleA })
  const leaf = makeCertificate('leaf', { issuer: circleA })
  expect(codesOf(chainOf(leaf, [circleA, circleB], []))).toEqual(['issuer_missing'])
  const authorities = Array.from({ length: 7 }, (_, index) => makeCertificate(`CA ${index}`, { ca: true }))
  const crowd = authorities.flatMap((one) =>
    authorities.map((issuer) => makeCertificate(one.name, { ca: true, key: one.key, issuer })),
  )
  const lost = makeCertificate('lost', { issuer: authorities[0] as Identity })
  expect(chainOf(lost, crowd, []).ok).toBe(false)
})

test('000.25 a chain of more than ten certificates is refused', () => {
  const authorities = [makeCertificate('CA 0', { ca: true })]
  for (let index = 1; index <= 10; index++)
    authorities.push(makeCertificate(`CA ${index}`, { ca: true, issuer: authorities[index - 1] as Identity }))
  const [root, ...rest] = authorities as [Identity, ...Identity[]]
  const leaf = makeCertificate('leaf', { issuer: authorities[10] as Identity })
  expect(codesOf(chainOf(leaf, rest, [root]))).toEqual(['chain_too_long'])
  const shorter = makeCertificate('leaf', { issuer: authorities[8] as Identity })
  expect(codesOf(chainOf(shorter, rest, [root]))).toEqual([])
})

/** What openssl says of a chain under one trusted root. */
function isGoodForOpenssl(leaf: Identity, intermediates: Identity[], root: Identity): boolean {
  const pemOf = (identities: Identity[]): string =>
    identities.map(({ certificate }) => certificate.x509.toString()).join('')
  const untrusted = intermediates.length === 0 ? [] : ['-untrusted', 'intermediates']
  try {
    openssl(
      [
        'verify',
        '-attime',
        String(now.getTime() / 1000),
        '-CAfile',
        'root',
        '-no-CApath',
        ...untrusted,
        'leaf',
      ],
      { root: pemOf([root]), intermediates: pemOf(intermediates), leaf: pemOf([leaf]) },
    )
    return true
  } catch {
    return false
  }
}

const unknownCritical = extension('1.3.6.1.4.1.99999.1', true, new asn1js.Null())

test.each<[string, Parameters<typeof codesWith>[0]]>([
  ['nothing', {}],
  ['an expired leaf', { leaf: { notAfter: '2026-12-31' } }],
  ['an intermediate of tomorrow', { intermediate: { notBefore: '2027-01-02' } }],
  ['an expired root', { root: { notAfter: '2026-12-31' } }],
  ['a wrong signature', { leaf: { signingKey: makeKey() } }],
  ['an issuer that is no authority', { intermediate: { extensions: [authority(false), keyUsage(true)] } }],
  ['an issuer that may not sign', { intermediate: { extensions: [authority(true), keyUsage(false)] } }],
  ['a path that is too long', { root: { pathLength: 0 } }],
  ['a path that is just right', { root: { pathLength: 1 } }],
  ['an unknown critical extension', { leaf: { more: [unknownCritical] } }],
  [
    'a name that the root excludes',
    {
      root: { more: [nameConstraints({ excluded: [ofDns('example.com')] })] },
      leaf: { dns: ['a.example.com'] },
    },
  ],
])('000.25 openssl comes to the same end: %s', (_, wishes) => {
  const root = makeCertificate('Root', { ca: true, ...wishes.root })
  const intermediate = makeCertificate('Intermediate', { ca: true, issuer: root, ...wishes.intermediate })
  const leaf = makeCertificate('leaf', { issuer: intermediate, ...wishes.leaf })
  const { ok } = chainOf(leaf, [intermediate], [root])
  expect(isGoodForOpenssl(leaf, [intermediate], root)).toBe(ok)
})

test('000.25 openssl judges name constraints alike, but lets pass two kinds of names that may be excluded', () => {
  const disagreed = constraintCases.filter(([, lists, names, isPermitted]) => {
    const { root, leaf } = constrainedPair(lists, names)
    return isGoodForOpenssl(leaf, [], root) !== isPermitted
  })
  expect(disagreed.map(([name]) => name)).toEqual(['a wildcard over the excluded', 'a URI with an address'])
})

function constrainedPair(
  lists: (typeof constraintCases)[number][1],
  names: (typeof constraintCases)[number][2],
): { root: Identity; leaf: Identity } {
  const root = makeCertificate('Root', { ca: true, more: [nameConstraints(lists)] })
  const extensions = names.length === 0 ? [authority(false)] : [alternativeNames(...names)]
  return { root, leaf: makeCertificate('leaf', { issuer: root, extensions }) }
}
