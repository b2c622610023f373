import { expect } from 'chai'
import { chooseProvider } from './provider.ts'

describe('chooseProvider', () => {
  const absent = () => Promise.reject(new Error('libonnxruntime_providers_cuda.so: cannot open\nat line 5'))
  for (const { name, wanted, probe, want } of [
    { name: 'a CPU where one is wanted', wanted: 'cpu', probe: () => Promise.resolve(), want: 'cpu' },
    { name: 'CUDA where the runtime has it', wanted: 'cuda', probe: () => Promise.resolve(), want: 'cuda' },
    { name: 'the CPU where it has not', wanted: 'cuda', probe: absent, want: 'cpu' },
  ] as const)
    it(`takes ${name}`, async () => expect((await chooseProvider(wanted, probe)).provider).to.equal(want))

  it('tells why CUDA was not taken, in one line', async () => {
    const { reason } = await chooseProvider('cuda', absent)
    expect(reason).to.equal('the runtime has no CUDA: libonnxruntime_providers_cuda.so: cannot open')
  })

  it('asks the runtime that is installed', async () => {
    const { provider, reason } = await chooseProvider('cuda')
    expect(reason).to.match(provider === 'cuda' ? /^the runtime has CUDA$/ : /^the runtime has no CUDA: ./)
  })
})
