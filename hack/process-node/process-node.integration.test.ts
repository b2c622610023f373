import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { findBinaries } from '../control-plane/binaries.ts'
import { run } from '../control-plane/build.ts'
import { useApiServer, waitFor } from '../testing/api-server.ts'
import { canMountElsewhere } from './mounts.ts'
import type { Pod } from './pod.ts'
import { startProcessNode } from './process-node.ts'
import { condition, isReady, main, repository, sh, useProcessNode } from './testing/node-fixture.ts'

describe('process node', function () {
  this.timeout(40_000)
  const api = useApiServer()
  const fixture = useProcessNode(api)

  const logOf = (name: string): string => {
    const process = fixture
      .node()
      .pods()
      .find(pod => pod.name === name)!.processes[0]!
    return readFileSync(process.log, 'utf8')
  }
  const pidOf = (name: string): number | undefined =>
    fixture
      .node()
      .pods()
      .find(pod => pod.name === name)?.processes[0]?.pid

  it('shows its capacity and labels', async () => {
    const node = await api.client().get<NodeObject>(`/api/v1/nodes/${fixture.node().name}`)
    expect(node.metadata.labels).to.include({
      'ekya.dev/process-node': 'true',
      'ekya.dev/sharing-backend': 'cpu',
    })
    expect(node.status.allocatable).to.include({ cpu: '1500m' })
    expect(
      await api
        .client()
        .exists(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${fixture.node().name}`),
    ).to.equal(true)
  })

  it('hands out extended resources that are put into its capacity', async () => {
    const path = `/api/v1/nodes/${fixture.node().name}`
    const set = (amount: string | null) =>
      api
        .client()
        .patch(`${path}/status`, 'strategic', { status: { capacity: { 'example.org/unit': amount } } })
    const handedOut = async () =>
      (await api.client().get<NodeObject>(path)).status.allocatable['example.org/unit']
    await set('200')
    await waitFor(async () => (await handedOut()) === '200', { describe: 'the units' })
    await set('0')
    await waitFor(async () => (await handedOut()) === '0', { describe: 'no units' })
  })

  it('gives a pod its environment, an address of its own and a log', async () => {
    const script = 'echo "$POD_IP $NAME $NODE $GREETING $TMPDIR"; command -v ekya; exec sleep 600'
    await fixture.create('environment', {
      ...sh(script),
      env: [
        { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'GREETING', value: 'hello-$(NAME)' },
      ],
    })
    const pod = await fixture.until('environment', 'ready', isReady)
    const address = pod.status?.podIP ?? ''
    expect(address).to.match(/^127\.42\.\d+\.\d+$/)
    const node = fixture.node().name
    await waitFor(() => logOf('environment').includes('bin/ekya'), { describe: 'the log' })
    const [first, second] = logOf('environment').split('\n')
    expect(first).to.match(new RegExp(`^${address} environment ${node} hello-environment /`))
    expect(second).to.equal(join(repository, 'hack/process-node/bin/ekya'))
    expect(pod.status).to.include({ phase: 'Running', observedGeneration: pod.metadata.generation })
    expect(condition(pod, 'PodScheduled')?.status).to.equal('True')
    expect(main(pod)).to.include({ restartCount: 0, ready: true, started: true })
  })

  it('lets two pods listen on the same port, and probes each at its address', async () => {
    const server = `require('http').createServer((q, r) => {
      if (q.url === '/toggle') global.off = !global.off
      r.statusCode = q.url === '/ready' && global.off ? 503 : 200
      r.end()
    }).listen(8080, process.env.POD_IP)`
    const container = {
      command: ['node', '-e', server],
      env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
      ports: [{ name: 'http', containerPort: 8080 }],
      readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
    }
    await fixture.create('server-a', container)
    await fixture.create('server-b', container)
    const a = await fixture.until('server-a', 'ready', isReady)
    const b = await fixture.until('server-b', 'ready', isReady)
    expect(a.status?.podIP).to.not.equal(b.status?.podIP)
    await fetch(`http://${a.status?.podIP}:8080/toggle`)
    const unready = await fixture.until('server-a', 'unready', pod => !isReady(pod))
    expect(condition(unready, 'Ready')).to.include({ reason: 'ContainersNotReady' })
    expect(main(unready)).to.include({ restartCount: 0 })
    expect(isReady(await fixture.read('server-b'))).to.equal(true)
    await fetch(`http://${a.status?.podIP}:8080/toggle`)
    await fixture.until('server-a', 'ready again', isReady)
  })

  for (const { name, script, policy, phase, exitCode, reason, message } of [
    {
      name: 'success',
      script: 'printf done > "$EKYA_TERMINATION_LOG"',
      policy: 'Never',
      phase: 'Succeeded',
      exitCode: 0,
      reason: 'Completed',
      message: 'done',
    },
    {
      name: 'failure',
      script: 'echo oops > $EKYA_TERMINATION_LOG; exit 3',
      policy: 'Never',
      phase: 'Failed',
      exitCode: 3,
      reason: 'Error',
      message: 'oops\n',
    },
    {
      name: 'signal',
      script: 'kill -KILL $$$$',
      policy: 'Never',
      phase: 'Failed',
      exitCode: 137,
      reason: 'Error',
      message: undefined,
    },
    {
      name: 'long message',
      script: 'head -c 5000 /dev/zero | tr "\\0" x > $EKYA_TERMINATION_LOG',
      policy: 'OnFailure',
      phase: 'Succeeded',
      exitCode: 0,
      reason: 'Completed',
      message: 'x'.repeat(4096),
    },
  ] as const) {
    it(`reports the end of a process: ${name}`, async () => {
      const id = `end-${name.replace(' ', '-')}`
      await fixture.create(id, sh(script), { restartPolicy: policy })
      const pod = await fixture.until(id, 'ended', ({ status }) => status?.phase === phase)
      const terminated = main(pod)?.state.terminated
      expect(terminated).to.include({ exitCode, reason })
      expect(terminated?.message).to.equal(message)
      expect(main(pod)).to.include({ restartCount: 0, ready: false })
      expect(condition(pod, 'Ready')?.reason).to.equal(phase === 'Failed' ? 'PodFailed' : 'PodCompleted')
    })
  }

  it('takes the end of the log as the message where the pod asks for it', async () => {
    const container = {
      ...sh('echo the reason >&2; exit 1'),
      terminationMessagePolicy: 'FallbackToLogsOnError' as const,
    }
    await fixture.create('fallback', container, { restartPolicy: 'Never' })
    const pod = await fixture.until('fallback', 'failed', ({ status }) => status?.phase === 'Failed')
    expect(main(pod)?.state.terminated?.message).to.equal('the reason\n')
  })

  it('restarts on failure until success, with growing delays', async () => {
    const script =
      'test -e "$HOME/2" && exit 0; test -e "$HOME/1" && touch "$HOME/2"; touch "$HOME/1"; exit 1'
    await fixture.create('retry', sh(script), { restartPolicy: 'OnFailure' })
    const waiting = await fixture.until('retry', 'backing off', pod => main(pod)?.state.waiting !== undefined)
    expect(main(waiting)?.state.waiting?.reason).to.equal('CrashLoopBackOff')
    expect(waiting.status?.phase).to.equal('Running')
    const pod = await fixture.until('retry', 'succeeded', ({ status }) => status?.phase === 'Succeeded')
    expect(main(pod)).to.include({ restartCount: 2 })
    expect(main(pod)?.lastState.terminated).to.include({ exitCode: 1 })
  })

  it('restarts a container whose liveness probe fails', async () => {
    await fixture.create('liveness', {
      ...sh('touch "$HOME/alive"; exec sleep 600'),
      livenessProbe: {
        exec: { command: ['/bin/sh', '-c', 'test -e "$HOME/alive"'] },
        initialDelaySeconds: 1,
        periodSeconds: 1,
        failureThreshold: 1,
      },
    })
    await fixture.until('liveness', 'ready', isReady)
    const first = pidOf('liveness')
    const log = fixture
      .node()
      .pods()
      .find(({ name }) => name === 'liveness')!.processes[0]!.log
    const alive = join(log, '../alive')
    await waitFor(() => existsSync(alive), { describe: 'the file that the probe looks for' })
    rmSync(alive)
    const pod = await fixture.until(
      'liveness',
      'restarted',
      found => main(found)?.restartCount === 1 && isReady(found),
    )
    expect(main(pod)?.lastState.terminated).to.include({ exitCode: 143 })
    expect(pidOf('liveness')).to.not.equal(first)
  })

  it('waits for the startup probe before the others', async () => {
    await fixture.create('startup', {
      ...sh('sleep 1; touch "$HOME/started"; exec sleep 600'),
      startupProbe: {
        exec: { command: ['/bin/sh', '-c', 'test -e "$HOME/started"'] },
        periodSeconds: 1,
        failureThreshold: 30,
      },
      livenessProbe: {
        exec: { command: ['/bin/sh', '-c', 'test -e "$HOME/started"'] },
        periodSeconds: 1,
        failureThreshold: 1,
      },
    })
    const early = await fixture.until('startup', 'running', pod => main(pod)?.state.running !== undefined)
    expect(main(early)).to.include({ started: false, ready: false })
    const pod = await fixture.until('startup', 'ready', isReady)
    expect(main(pod)).to.include({ started: true, restartCount: 0 })
  })

  it('ends a deleted pod with SIGTERM and removes it', async () => {
    await fixture.create('polite', sh('trap "exit 0" TERM; while :; do sleep 0.05; done'), {
      terminationGracePeriodSeconds: 20,
    })
    await fixture.until('polite', 'ready', isReady)
    const pid = pidOf('polite')!
    const started = performance.now()
    await fixture.delete('polite')
    await waitFor(async () => !(await fixture.exists('polite')), { describe: 'the deletion' })
    expect(performance.now() - started).to.be.below(3000)
    expect(existsSync(`/proc/${pid}`)).to.equal(false)
  })

  it('kills a deleted pod that ignores SIGTERM after its grace period, children included', async () => {
    await fixture.create('stubborn', sh('trap "" TERM; sleep 600 & while :; do sleep 0.05; done'), {
      terminationGracePeriodSeconds: 1,
    })
    await fixture.until('stubborn', 'ready', isReady)
    const pid = pidOf('stubborn')!
    const started = performance.now()
    await fixture.delete('stubborn')
    await waitFor(async () => !(await fixture.exists('stubborn')), { describe: 'the deletion' })
    expect(performance.now() - started).to.be.within(900, 4000)
    await waitFor(() => groupIsEmpty(pid), { describe: 'the process group to be empty' })
  })

  it('kills at once what is deleted with force', async () => {
    await fixture.create('forced', sh('trap "" TERM; while :; do sleep 0.05; done'))
    await fixture.until('forced', 'ready', isReady)
    const pid = pidOf('forced')!
    await fixture.delete('forced', { gracePeriodSeconds: 0 })
    await waitFor(() => !existsSync(`/proc/${pid}`), { describe: 'the process to end' })
  })

  it('mounts a hostPath at its own path, and refuses what a process cannot have', async () => {
    const container = { ...sh('exec sleep 600'), volumeMounts: [{ name: 'data', mountPath: '/tmp' }] }
    await fixture.create('mounted', container, { volumes: [{ name: 'data', hostPath: { path: '/tmp' } }] })
    await fixture.until('mounted', 'ready', isReady)
    await fixture.create('elsewhere', container, { volumes: [{ name: 'data', configMap: { name: 'a' } }] })
    const pod = await fixture.until('elsewhere', 'failed', ({ status }) => status?.phase === 'Failed')
    expect(pod.status?.reason).to.equal('ProcessNodeUnsupported')
    expect(pod.status?.message)
      .to.contain('volume data at /tmp')
      .and.to.contain('accepted are hostPath volumes')
    await fixture.create('no-command', { image: 'some/image' })
    const second = await fixture.until('no-command', 'failed', ({ status }) => status?.phase === 'Failed')
    expect(second.status?.message).to.contain('command is missing')
  })

  it('mounts a hostPath elsewhere, for the pod alone', async function () {
    if (!canMountElsewhere()) return this.skip()
    const folder = mkdtempSync(join(tmpdir(), 'ekya-mounts-'))
    const [source, target] = [join(folder, 'on the machine'), join(folder, 'in/the pod')]
    mkdirSync(source)
    writeFileSync(join(source, 'a file'), 'content')
    try {
      await fixture.create(
        'mounted-elsewhere',
        { ...sh(`cat '${target}/a file'`), volumeMounts: [{ name: 'data', mountPath: target }] },
        { restartPolicy: 'Never', volumes: [{ name: 'data', hostPath: { path: source } }] },
      )
      const done = ({ status }: Pod) => status?.phase === 'Succeeded'
      await fixture.until('mounted-elsewhere', 'succeeded', done)
      expect(logOf('mounted-elsewhere')).to.equal('content')
      expect(readdirSync(target)).to.deep.equal([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('answers kubectl logs, also while the log grows', async () => {
    const { found } = await findBinaries()
    const logs = (...args: string[]) =>
      run(found.kubectl!, [
        '--kubeconfig',
        api.kubeconfig(),
        '-n',
        api.namespace(),
        'logs',
        'talker',
        ...args,
      ])
    await fixture.create('talker', sh('echo one; echo two; sleep 1; echo three'), { restartPolicy: 'Never' })
    await fixture.until('talker', 'running', pod => main(pod)?.state.running !== undefined)
    expect(await logs('--follow')).to.equal('one\ntwo\nthree\n')
    expect(await logs('--tail=2')).to.equal('two\nthree\n')
    expect(await logs('--tail=0')).to.equal('')
  })

  it('reports a program that does not exist', async () => {
    await fixture.create('missing', { command: ['no-such-program'] }, { restartPolicy: 'Never' })
    const pod = await fixture.until('missing', 'failed', ({ status }) => status?.phase === 'Failed')
    expect(main(pod)?.state.terminated?.exitCode).to.be.oneOf([127, 128])
  })

  it('takes its pods along when it is killed', async () => {
    const name = `${fixture.options().name}-killed`
    const script = join(repository, 'hack/process-node/main.ts')
    const args = ['--kubeconfig', api.kubeconfig(), '--name', name, '--cpus', '1']
    const node = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    node.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await waitFor(() => said.includes('is ready'), { describe: () => `the node; it said ${said}` })
    const directory = /logs in (\S+)\/pods/.exec(said)![1]!
    const nodeSelector = { 'kubernetes.io/hostname': name }
    await fixture.create('orphan', sh('echo $$$$; sleep 600 & wait'), { nodeSelector } as object)
    const pod = await fixture.until('orphan', 'ready', isReady)
    const log = join(directory, 'pods', `${api.namespace()}_orphan_${pod.metadata.uid}`, 'main/0.log')
    await waitFor(() => readFileSync(log, 'utf8').endsWith('\n'), {
      describe: 'the process number in the log',
    })
    const pid = Number(readFileSync(log, 'utf8'))
    expect(groupIsEmpty(pid)).to.equal(false)
    node.kill('SIGKILL')
    await waitFor(() => groupIsEmpty(pid), { describe: 'the process group to end' })
    await waitFor(() => !existsSync(directory), { describe: 'the folder to go' })
    await api.client().delete(`/api/v1/nodes/${name}`)
    await fixture.delete('orphan', { gracePeriodSeconds: 0 })
  })

  it('starts its pods again when it is restarted, each once', async () => {
    const other = `${fixture.options().name}-again`
    const options = {
      ...fixture.options(),
      name: other,
      directory: join(fixture.options().directory, 'again'),
      keepNode: true,
    }
    const first = await startProcessNode(options)
    await fixture.create('lasting', sh('exec sleep 600'), {
      nodeSelector: { 'kubernetes.io/hostname': other },
    } as object)
    await fixture.until('lasting', 'ready', isReady, 30_000)
    const pid = first.pods()[0]!.processes[0]!.pid!
    await first.stop()
    expect(existsSync(`/proc/${pid}`)).to.equal(false)
    const second = await startProcessNode({ ...options, keepNode: false })
    try {
      const pod = await fixture.until(
        'lasting',
        'restarted',
        found => main(found)?.restartCount === 1 && isReady(found),
      )
      expect(main(pod)?.lastState.terminated).to.include({ exitCode: 137 })
      expect(second.pods()).to.have.length(1)
    } finally {
      await second.stop()
    }
    expect(await api.client().exists(`/api/v1/nodes/${other}`)).to.equal(false)
  })
})

interface NodeObject {
  readonly metadata: { readonly labels: Record<string, string> }
  readonly status: { readonly allocatable: Record<string, string> }
}

function groupIsEmpty(group: number): boolean {
  try {
    process.kill(-group, 0)
    return false
  } catch {
    return true
  }
}
