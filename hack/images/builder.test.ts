import { expect } from 'chai'
import { type BuildOptions, buildImages } from './builder.ts'

describe('building images', () => {
  const options: BuildOptions = {
    ...{
      root: '/nowhere',
      work: '/nowhere',
      images: [],
      processor: 'amd64',
      prefix: 'p',
      tag: 't',
      cuda: true,
    },
  }
  for (const { name, given, says } of [
    {
      name: 'CUDA for a processor without it',
      given: { processor: 'arm64' },
      says: 'no CUDA provider for arm64',
    },
    { name: 'CUDA on a base that has none', given: {}, says: 'accepted with --cuda: --base-image IMAGE' },
  ] as const)
    it(`refuses ${name} before it begins`, async () => {
      const refusal = await buildImages({ ...options, ...given }).then(
        () => '',
        (error: Error) => error.message,
      )
      expect(refusal).to.include(says)
    })
})
