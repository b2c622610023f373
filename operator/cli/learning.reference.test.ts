import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { encodeJpeg } from '../../workers/frames/images.ts'
import { digestOf } from '../../workers/models/classifier.ts'
import { encodeModel, floatTensor, floatValue, node, model as onnxModel } from '../../workers/models/onnx.ts'
import { random } from '../../workers/models/random.ts'
import { runEkya } from './testing/run-ekya.ts'

const ekya = (isTTY: boolean, ...args: string[]) => runEkya(args, { isTTY })

/** Noise with one bright channel, which the class names. */
async function writeImages(folder: string, list: string, count: number): Promise<void> {
  const draw = random(count, list)
  const rows = ['idx,class,x0,y0,x1,y1,imgpath']
  mkdirSync(join(folder, 'images'), { recursive: true })
  for (let i = 0; i < count; i++) {
    const data = Uint8Array.from(
      { length: 32 * 32 * 3 },
      (_, at) => draw.integer(120) + (at % 3 === i % 3 ? 100 : 0),
    )
    const name = `images/${list}-${i}.jpg`
    writeFileSync(join(folder, name), await encodeJpeg({ data, height: 32, width: 32 }))
    rows.push(`${i},${i % 3},0,0,32,32,${name}`)
  }
  writeFileSync(join(folder, `${list}.csv`), `${rows.join('\n')}\n`)
}

describe('ekya train, evaluate and model build', function () {
  this.timeout(30_000)
  const folder = mkdtempSync(join(tmpdir(), 'ekya-learning-'))
  after(() => rmSync(folder, { recursive: true }))
  const at = (name: string): string => join(folder, name)
  const model = at('student.onnx')
  before(async () => {
    await writeImages(folder, 'train', 36)
    await writeImages(folder, 'validation', 12)
    const built = await ekya(
      false,
      'model',
      'build',
      'small-cnn',
      '--classes',
      '3',
      '--input',
      '3x32x32',
      '--out',
      model,
    )
    expect(built.status, built.stderr).to.equal(0)
    expect(built.stdout).to.match(
      /^wrote .*student\.onnx: small-cnn for 3 classes of 3x32x32 images, \d+ bytes/,
    )
  })

  const train = (config: unknown, out: string, ...more: string[]) =>
    ekya(
      false,
      ...['train', '--model', model, '--train', at('train.csv'), '--validation', at('validation.csv')],
      ...['--images', folder, '--config', typeof config === 'string' ? config : JSON.stringify(config)],
      ...['--out', out, ...more],
    )
  const quick = { epochs: 3, batchSize: 12, learningRate: 0.05, seed: 1 }

  it('builds the same file for the same seed, and another for another', async () => {
    const build = async (seed: string) => {
      const args = ['--classes', '3', '--input', '3x40x32', '--seed', seed, '--out', at('a/b.onnx'), '--json']
      return JSON.parse((await ekya(false, 'model', 'build', 'shufflenetv2', ...args)).stdout)
    }
    const first = await build('5')
    expect(first).to.include({ network: 'shufflenetv2', classes: 3, input: '3x40x32', seed: 5 })
    expect(first.digest).to.equal(digestOf(readFileSync(at('a/b.onnx'))))
    expect(await build('5')).to.deep.equal(first)
    expect((await build('6')).digest).to.not.equal(first.digest)
  })

  it('trains, prints a record, and evaluates what it wrote to the accuracy that it told', async () => {
    const out = at('next.onnx')
    const { status, stdout, stderr } = await train(quick, out, '--json')
    expect(status, stderr).to.equal(0)
    const record = JSON.parse(stdout)
    expect(record).to.have.all.keys(
      ...['epochs', 'bestValidationAccuracy', 'bestEpoch', 'baselineAccuracy', 'seconds'],
      ...['imagesPerSecond', 'peakMemoryBytes', 'images', 'refused', 'digest'],
    )
    expect(record.epochs).to.have.length(3)
    expect(record.epochs[0]).to.have.all.keys('loss', 'trainAccuracy', 'validationAccuracy', 'seconds')
    expect(record.epochs[2].loss).to.be.lessThan(record.epochs[0].loss)
    expect(record).to.include({ images: 36, refused: 0, digest: digestOf(readFileSync(out)) })
    expect(record.imagesPerSecond).to.be.greaterThan(1)
    expect(record.peakMemoryBytes).to.be.within(1e7, 1e11)

    const evaluated = await ekya(
      false,
      ...['evaluate', '--model', out, '--list', at('validation.csv'), '--images', folder, '--json'],
    )
    const { accuracy, images, perClass } = JSON.parse(evaluated.stdout)
    expect(accuracy).to.equal(record.bestValidationAccuracy)
    expect(images).to.equal(12)
    expect(perClass.map((each: { images: number }) => each.images)).to.deep.equal([4, 4, 4])
  })

  it('trains more classes than the model has with --classes, and says what runs it', async () => {
    const rows = readFileSync(at('train.csv'), 'utf8').trim().split('\n')
    writeFileSync(at('four.csv'), [...rows, '90,3,0,0,32,32,images/train-0.jpg'].join('\n'))
    const args = ['--model', model, '--train', at('four.csv'), '--validation', at('validation.csv')]
    const more = (classes: string) =>
      ekya(
        false,
        ...['train', ...args, '--images', folder, '--config', JSON.stringify(quick)],
        ...['--out', at('four.onnx'), '--classes', classes, '--json'],
      )
    const { status, stdout, stderr } = await more('4')
    expect(status, stderr).to.equal(0)
    expect(stderr).to.match(/^train: runs on (cpu|cuda) \(the runtime has .*\)$/m)
    expect(JSON.parse(stdout)).to.include({ images: 37, refused: 0 })
    const list = ['--list', at('four.csv'), '--images', folder, '--json']
    const evaluated = JSON.parse((await ekya(false, 'evaluate', '--model', at('four.onnx'), ...list)).stdout)
    expect(evaluated.perClass).to.have.length(4)

    const fewer = await more('2')
    expect([fewer.status, fewer.stderr]).to.satisfy(
      ([status, text]: [number, string]) => status === 1 && text.includes('accepted: 3 or more'),
    )
    const wrong = await more('none')
    expect(wrong.status).to.equal(2)
    expect(wrong.stderr).to.include('--classes')
  })

  it('draws a bar on a terminal, and gives a table', async () => {
    const args = ['--model', model, '--train', at('train.csv'), '--validation', at('validation.csv')]
    const config = at('config.json')
    writeFileSync(config, JSON.stringify(quick))
    const { status, stdout, stderr } = await ekya(
      true,
      ...['train', ...args, '--images', folder, '--config', config, '--out', at('bar.onnx')],
    )
    expect(status).to.equal(0)
    expect(stderr).to.include(`\r\x1b[K[##${'.'.repeat(22)}] train: 1 of 9 steps (before the first epoch)`)
    expect(stderr).to.match(/\[#{24}\] train: 9 of 9 steps \(epoch 2: loss [\d.]+, [\d.]+ % right\)\n$/)
    expect(stdout).to.match(/epoch +loss +train % +validation % +seconds\n( +[123] .*\n){3}best: epoch \d/)
    expect(stdout).to.match(/36 images, 0 left out, .* images\/s/)
  })

  it('leaves out what cannot be read, and says so', async () => {
    const rows = readFileSync(at('train.csv'), 'utf8').trim().split('\n')
    writeFileSync(at('images/broken.jpg'), 'no image')
    const bad = [
      '90,1,0,0,32,32,images/broken.jpg',
      '91,7,0,0,32,32,images/train-0.jpg',
      '92,1,0,0,32,32,images/no.jpg',
    ]
    writeFileSync(at('dirty.csv'), [...rows, ...bad].join('\n'))
    const { status, stdout, stderr } = await ekya(
      false,
      ...['train', '--model', model, '--train', at('dirty.csv'), '--validation', at('validation.csv')],
      ...['--images', folder, '--config', '{"epochs": 1}', '--out', at('dirty.onnx'), '--json'],
    )
    expect(status).to.equal(0)
    expect(JSON.parse(stdout)).to.include({ images: 36, refused: 3 })
    expect(stderr).to.match(/train: 3 images left out\n/)
    expect(stderr).to.match(/dirty\.csv:39: class "7".*from 0 to 2/)
    expect(stderr).to.match(/dirty\.csv:38: image .*broken\.jpg/)
  })

  it('keeps the file that is there when the loss is no number', async () => {
    for (const config of [
      { ...quick, learningRate: 1e30, schedule: 'constant' },
      { epochs: 1, batchSize: 64, learningRate: 1e38, schedule: 'constant' },
    ]) {
      writeFileSync(at('kept.onnx'), 'the model in use')
      const before = readdirSync(folder)
      const { status, stdout, stderr } = await train(config, at('kept.onnx'))
      expect(status).to.equal(1)
      expect(stdout).to.equal('')
      expect(stderr).to.match(/a lower learningRate may help/)
      expect(readFileSync(at('kept.onnx'), 'utf8')).to.equal('the model in use')
      expect(readdirSync(folder)).to.deep.equal(before)
    }
  })

  it('tells all that is wrong at once', async () => {
    const config = {
      epochs: 0,
      batchSize: '8',
      lerningRate: 1,
      schedule: 'sometimes',
      trainableLayers: 'tail',
    }
    const { status, stdout, stderr } = await ekya(
      false,
      ...['train', '--model', at('no.onnx'), '--train', at('no.csv'), '--validation', at('validation.csv')],
      ...['--images', at('nowhere'), '--config', JSON.stringify(config), '--out', folder],
    )
    expect(status).to.equal(2)
    expect(stdout).to.equal('')
    const wanted = [
      /--config: "lerningRate" is no key; accepted: epochs, batchSize, /,
      /--config: epochs is 0; accepted: an integer from 1/,
      /--config: batchSize is "8"; accepted: an integer/,
      /--config: schedule is "sometimes"; accepted: constant or step or cosine or one-cycle or plateau/,
      /--config: trainableLayers is "tail"; accepted: all, head, or an integer/,
      /--images: .*nowhere is not there; accepted: a folder/,
      /--out: .* is no file/,
      /--model: there is no model file .*no\.onnx/,
      /--train: .*no\.csv: no such sample list/,
    ]
    const problems = stderr.split('\n').slice(1, -2)
    expect(problems, stderr).to.have.length(wanted.length)
    wanted.forEach((want, i) => {
      expect(problems[i]).to.match(want)
    })
  })

  for (const { name, args, want, says } of [
    { name: 'JSON that is none', args: ['{"epochs": }'], want: 2, says: /--config: is not JSON/ },
    {
      name: 'a configuration that is not there',
      args: ['none.json'],
      want: 2,
      says: /cannot read none\.json: there is no such file/,
    },
  ])
    it(`refuses ${name}`, async () => {
      const { status, stderr } = await train(args[0]!, at('x.onnx'))
      expect(status).to.equal(want)
      expect(stderr).to.match(says)
    })

  for (const { name, out, says } of [
    { name: 'a folder that is not there', out: at('folder/'), says: /--out: ".*folder\/" names no file/ },
    { name: 'nothing', out: '', says: /--out: "" names no file; accepted: / },
    { name: 'a name that is too long', out: at('x'.repeat(300)), says: /cannot write .*: ENAMETOOLONG/ },
    { name: 'a file where none can be', out: '/proc/x.onnx', says: /cannot write \/proc\/x\.onnx: / },
  ])
    it(`refuses before it trains to write to ${name}`, async () => {
      const { status, stderr } = await train(quick, out)
      expect(status).to.equal(2)
      expect(stderr).to.match(says).and.not.match(/steps/)
    })

  /** A model that takes the mean of every channel of images of so many, with a bias. */
  const written = (name: string, channels: number, bias: number): string => {
    const graph = {
      name,
      node: [
        node('GlobalAveragePool', ['x'], ['g']),
        node('Flatten', ['g'], ['f']),
        node('Gemm', ['f', 'w', 'b'], ['y']),
      ],
      initializer: [
        floatTensor('w', [channels, 3], new Float32Array(3 * channels)),
        floatTensor('b', [3], [0, bias, 0]),
      ],
      input: [floatValue('x', ['N', channels, 32, 32])],
      output: [floatValue('y', ['N', 3])],
    }
    writeFileSync(at(name), encodeModel(onnxModel(graph)))
    return at(name)
  }
  const evaluate = (file: string) =>
    ekya(false, 'evaluate', '--model', file, '--list', at('validation.csv'), '--images', folder)

  it('refuses models of images that are not of three channels', async () => {
    const file = written('grey.onnx', 1, 0)
    for (const { status, stderr } of [
      await evaluate(file),
      await ekya(
        false,
        ...['train', '--model', file, '--train', at('train.csv'), '--validation', at('validation.csv')],
        ...['--images', folder, '--config', '{}', '--out', at('x.onnx')],
      ),
    ]) {
      expect(status).to.equal(2)
      expect(stderr).to.match(
        /--model: .*grey\.onnx reads images \[1, 32, 32\]; accepted: \[3, height, width\]/,
      )
    }
  })

  it('does not take answers that are no numbers for classes', async () => {
    expect((await evaluate(written('good.onnx', 3, 1))).status).to.equal(0)
    const { status, stdout, stderr } = await evaluate(written('nan.onnx', 3, Number.NaN))
    expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' })
    expect(stderr).to.match(/nan\.onnx answers NaN; accepted: /)
  })

  it('fails for a file that is no model', async () => {
    writeFileSync(at('text.onnx'), 'hello')
    const args = ['--list', at('validation.csv'), '--images', folder]
    const { status, stderr } = await ekya(false, 'evaluate', '--model', at('text.onnx'), ...args)
    expect(status).to.equal(1)
    expect(stderr).to.match(/^ekya: .*text\.onnx cannot be loaded/)
    const trained = await ekya(
      false,
      ...['train', '--model', at('text.onnx'), '--train', at('train.csv'), '--validation', at('train.csv')],
      ...['--images', folder, '--config', '{}', '--out', at('x.onnx')],
    )
    expect(trained.stderr).to.match(/^ekya: .*text\.onnx is not an ONNX file/)
  })

  it('refuses a network, classes, a seed and an input that cannot be built, all at once', async () => {
    const { status, stderr } = await ekya(
      false,
      ...[
        'model',
        'build',
        'vgg',
        '--classes',
        '0',
        '--input',
        '3x31x32',
        '--seed',
        '-1',
        '--out',
        at('v.onnx'),
      ],
    )
    expect(status).to.equal(2)
    expect(stderr).to.match(
      /4 problems\n {2}NAME: "vgg" is no network; accepted: small-cnn, resnet18, mobilenetv2, shufflenetv2\n {2}--classes: .*\n {2}--seed: .*\n {2}--input: "3x31x32" is not accepted; accepted: 3xHEIGHTxWIDTH, each from 32/,
    )
  })

  for (const args of [['train'], ['evaluate'], ['model', 'build']])
    it(`has help: ${args.join(' ')}`, async () => {
      const { status, stdout } = await ekya(false, ...args, '--help')
      expect(status).to.equal(0)
      expect(stdout).to.match(/Usage: ekya .*Example/s)
      expect((await ekya(false, ...args)).status).to.equal(2)
    })
})
