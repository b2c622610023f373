import { expect } from 'chai'
import { exactlyOne, type OpenApiSchema, readResources } from '../../hack/generate/crds.ts'
import { patternInWords } from './accepted.ts'
import { predicates } from './rules.ts'
import { badManifests, goodManifests } from './testing/manifests.ts'
import { isOurs, validateManifest } from './validate.ts'

describe('validateManifest', () => {
  for (const { name, manifest } of goodManifests) {
    it(`takes ${name}`, () => expect(validateManifest(manifest)).to.deep.equal([]))
  }

  for (const { name, manifest, path, accepted } of badManifests) {
    it(`refuses ${name}`, () => {
      const problems = validateManifest(manifest)
      const fault = problems.find(problem => problem.path.startsWith(path))
      expect(fault, JSON.stringify(problems)).to.not.equal(undefined)
      expect(fault!.message).to.match(accepted)
      expect(problems, 'one fault, one problem').to.have.length(1)
    })
  }

  for (const { name, weight, want } of [
    {
      name: 'infinity',
      weight: Number.POSITIVE_INFINITY,
      want: 'is a number too large to reckon with; accepted: ',
    },
    { name: 'what is no number', weight: Number.NaN, want: 'is not a number (.nan); accepted: ' },
  ])
    it(`says that a weight is ${name}`, () => {
      const [good] = goodManifests
      const spec = { ...(good!.manifest as { spec: object }).spec, weight }
      const [problem] = validateManifest({ ...good!.manifest, spec })
      expect(problem?.message).to.match(new RegExp(`^${want.replaceAll(/[().]/g, '\\$&')}`))
    })

  it('reports all problems at once, in the order of their paths', () => {
    const manifest = {
      ...goodManifests[0]!.manifest,
      metadata: { name: 'A' },
      spec: { frameRate: 0, classes: ['a'], colour: 'red' },
    }
    expect(validateManifest(manifest).map(({ path }) => path)).to.deep.equal([
      'metadata.name',
      'spec.classes',
      'spec.colour',
      'spec.frameRate',
      'spec.model',
      'spec.source',
    ])
  })

  for (const { name, document, want } of [
    { name: 'a list', document: [], want: /mapping/ },
    { name: 'another version', document: { apiVersion: 'ekya.dev/v9' }, want: /ekya\.dev\/v1alpha1/ },
    {
      name: 'another kind',
      document: { apiVersion: 'ekya.dev/v1alpha1', kind: 'Camera' },
      want: /CameraStream, Ret/,
    },
    {
      name: 'no metadata',
      document: { apiVersion: 'ekya.dev/v1alpha1', kind: 'RetrainingWindow', spec: {} },
      want: /name/,
    },
  ]) {
    it(`refuses ${name}`, () => expect(validateManifest(document)[0]!.message).to.match(want))
  }

  it('leaves status out', () => {
    expect(validateManifest({ ...goodManifests[0]!.manifest, status: { nonsense: 1 } })).to.deep.equal([])
  })

  it('knows the documents of the group', () => {
    expect(isOurs({ apiVersion: 'ekya.dev/v9' })).to.equal(true)
    expect(isOurs({ apiVersion: 'v1' })).to.equal(false)
    expect(isOurs(null)).to.equal(false)
  })
})

describe('the rules of the CRDs', () => {
  const schemas = readResources(new URL('../../crds/', import.meta.url).pathname).flatMap(({ schema }) =>
    all(schema),
  )

  it('have a predicate each, and every predicate a rule', () => {
    const rules = schemas.flatMap(schema => schema['x-kubernetes-validations'] ?? []).map(({ rule }) => rule)
    expect([...new Set(rules)].sort()).to.deep.equal(Object.keys(predicates).sort())
  })

  it('have a message each', () => {
    for (const { message } of schemas.flatMap(schema => schema['x-kubernetes-validations'] ?? [])) {
      expect(message).to.be.a('string').with.length.above(10)
    }
  })

  it('have patterns that are told in words', () => {
    for (const { pattern } of schemas) if (pattern) expect(patternInWords(pattern), pattern).to.be.a('string')
  })

  it('bound every list and string, and describe every field', () => {
    const unbounded = readResources(new URL('../../crds/', import.meta.url).pathname).flatMap(
      ({ kind, spec, status }) =>
        [...below(spec, `${kind}.spec`), ...below(status, `${kind}.status`)].flatMap(([path, schema]) => [
          ...(schema.type === 'array' && schema.maxItems === undefined ? [`${path}: maxItems`] : []),
          ...(schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined
            ? [`${path}: list type`]
            : []),
          ...(schema.additionalProperties && schema.maxProperties === undefined
            ? [`${path}: maxProperties`]
            : []),
          ...(schema.type === 'string' && !schema.enum && !schema.format && schema.maxLength === undefined
            ? [`${path}: maxLength`]
            : []),
          ...(path.endsWith(']') || path.endsWith('}') || schema.description ? [] : [`${path}: description`]),
        ]),
    )
    expect(unbounded).to.deep.equal([])
  })

  it('tell defaults in the description', () => {
    for (const { default: initial, description, properties } of schemas) {
      if (initial === undefined || properties || typeof initial === 'object') continue
      expect(description).to.include(`Default ${initial}`)
    }
  })

  // kube-apiserver cuts the fraction off a bound before it compares it with a whole number: minimum 0.01 lets 0 pass.
  it('have whole numbers for bounds; fractions stand in rules', () => {
    const bounds = schemas.flatMap(({ minimum, maximum }) => [minimum ?? 0, maximum ?? 0])
    expect(bounds.filter(bound => !Number.isInteger(bound))).to.deep.equal([])
  })

  it('demand exactly one source', () => {
    expect(schemas.map(exactlyOne).filter(Boolean)).to.deep.equal([['rtsp', 'video', 'samples', 'scene']])
  })
})

function all(schema: OpenApiSchema): readonly OpenApiSchema[] {
  return [schema, ...[...below(schema, '')].map(([, child]) => child)]
}

function* below(schema: OpenApiSchema, path: string): Generator<[string, OpenApiSchema]> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    yield [`${path}.${name}`, child]
    yield* below(child, `${path}.${name}`)
  }
  for (const [child, mark] of [
    [schema.items, '[]'],
    [schema.additionalProperties, '{}'],
  ] as const) {
    if (!child) continue
    yield [`${path}${mark}`, child]
    yield* below(child, `${path}${mark}`)
  }
}
