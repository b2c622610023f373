import { expect } from 'chai'
import type { OpenApiSchema, Resource } from './crds.ts'
import { outdated } from './main.ts'
import { renderSchemas } from './schemas.ts'
import { renderTypes } from './types.ts'

const resource = (properties: Record<string, OpenApiSchema>): Resource => ({
  kind: 'Thing',
  group: 'example.org',
  version: 'v1',
  plural: 'things',
  shortNames: ['th'],
  description: 'A thing.',
  columns: [],
  schema: { type: 'object' },
  spec: { type: 'object', title: 'ThingSpec', required: ['name'], properties },
  status: { type: 'object', title: 'ThingStatus', properties: {} },
})

describe('npm run generate', () => {
  it('leaves nothing to do: what is generated from crds/ is up to date', () => {
    expect(outdated(), 'run `npm run generate`').to.deep.equal([])
  })

  it('makes fields with defaults optional for the writer alone', () => {
    const types = renderTypes([resource({ name: { type: 'string' }, size: { type: 'integer', default: 1 } })])
    expect(types).to.match(/interface ThingSpec \{[^}]*readonly size: number/)
    expect(types).to.match(/interface ThingSpecInput \{[^}]*readonly size\?: number/)
    expect(types).to.match(/interface ThingSpecInput \{[^}]*readonly name: string/)
  })

  it('makes a union of properties of which exactly one must be set', () => {
    const choice: OpenApiSchema = {
      type: 'object',
      title: 'Choice',
      properties: { a: { type: 'string' }, b: { type: 'integer' } },
      'x-kubernetes-validations': [
        { rule: '[has(self.a), has(self.b)].exists_one(set, set)', message: 'one' },
      ],
    }
    expect(renderTypes([resource({ choice })])).to.include(
      '  | { readonly a: string; readonly b?: undefined }\n  | { readonly a?: undefined; readonly b: number }',
    )
  })

  it('refuses an object without a title, which has no name as a type', () => {
    const nested: OpenApiSchema = { type: 'object', properties: { a: { type: 'string' } } }
    expect(() => renderTypes([resource({ nested })])).to.throw(/needs a title/)
  })

  it('turns OpenAPI into JSON Schema', () => {
    const text = renderSchemas([
      resource({
        weight: { type: 'number', minimum: 0, exclusiveMinimum: true },
        memory: { 'x-kubernetes-int-or-string': true },
        options: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      }),
    ])
    expect(text).to.include('"exclusiveMinimum": 0').and.include('"integer",\n')
    expect(text.match(/"additionalProperties": false/g)).to.have.length(1)
  })
})
