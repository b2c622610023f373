import { expect } from 'chai'
import { ConfigError } from './errors.ts'
import { parseNodeAgentConfig } from './node-agent.ts'

describe('parseNodeAgentConfig', () => {
  const problems = (work: () => unknown): readonly string[] => {
    try {
      work()
    } catch (error) {
      if (error instanceof ConfigError)
        return error.problems.map(({ where, message }) => `${where} ${message}`)
      throw error
    }
    return []
  }

  it('needs nothing but the name of the Node', () =>
    expect(parseNodeAgentConfig({ nodeName: 'edge-1' }, {})).to.deep.equal({
      kubeconfig: undefined,
      nodeName: 'edge-1',
      allocation: 'device-plugin',
      devicePluginFolder: '/var/lib/kubelet/device-plugins',
      mpsFolder: '/run/ekya/mps',
      shmFolder: undefined,
      exclusiveMode: true,
      besideOtherPlugins: false,
      oldestDriver: 550,
      measureCurve: true,
      curveModel: undefined,
      curveFolder: '/var/lib/ekya/curves',
      nvidiaSmi: 'nvidia-smi',
      mpsControl: 'nvidia-cuda-mps-control',
      intervalSeconds: 5,
      http: { port: 8080 },
      logLevel: 'info',
    }))

  it('takes variables, and flags before them', () =>
    expect(
      parseNodeAgentConfig(
        { measureCurve: false, interval: '2' },
        { EKYA_NODE_NAME: 'edge-2', EKYA_INTERVAL: '9', EKYA_ALLOCATION: 'node-status' },
      ),
    ).to.include({
      nodeName: 'edge-2',
      intervalSeconds: 2,
      allocation: 'node-status',
      measureCurve: false,
    }))

  it('reports all problems together', () =>
    expect(
      problems(() =>
        parseNodeAgentConfig({ interval: '0', oldestDriver: '550.54' }, { EKYA_MPS_FOLDER: 'run/mps' }, [
          '--x',
        ]),
      ),
    ).to.deep.equal([
      '--x is no known option',
      '--node-name is missing (or EKYA_NODE_NAME); accepted: the name of a Node',
      'EKYA_MPS_FOLDER "run/mps" is not accepted; accepted: an absolute path other than /',
      '--oldest-driver "550.54" is not accepted; accepted: an integer from 1 to 100000',
      '--interval "0" is not accepted; accepted: an integer from 1 to 3600',
    ]))
})
