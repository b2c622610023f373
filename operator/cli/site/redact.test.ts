import { expect } from 'chai'
import { redact, redactText } from './redact.ts'

describe('redactText', () => {
  for (const { name, text, want } of [
    { name: 'credentials of an address', text: 'rtsp://me:pw@host/main', want: 'rtsp://[removed]@host/main' },
    {
      name: 'a bearer token',
      text: 'authorization: Bearer abcdefgh12345',
      want: 'authorization: Bearer [removed]',
    },
    { name: 'a JSON web token', text: 'got eyJhbGciOiJI.eyJzdWIiOiIx.c2ln', want: 'got [removed]' },
    {
      name: 'a key in PEM',
      text: 'a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b',
      want: 'a [removed] b',
    },
    { name: 'a key in PEM that is cut off', text: '-----BEGIN PRIVATE KEY-----\nMII', want: '[removed]' },
    { name: 'an assignment', text: 'CAMERA_PASSWORD=abc next', want: 'CAMERA_PASSWORD=[removed] next' },
    { name: 'a field of JSON', text: '{"token":"abc","x":1}', want: '{"token":"[removed]","x":1}' },
    {
      name: 'a value with blanks',
      text: '{"password":"a b, \\"c\\" d","x":1}',
      want: '{"password":"[removed]","x":1}',
    },
    {
      name: 'a field of JSON in JSON',
      text: String.raw`{"msg":"{\"password\":\"a b\",\"x\":1}"}`,
      want: String.raw`{"msg":"{\"password\":\"[removed]\",\"x\":1}"}`,
    },
    {
      name: 'a key of a cloud',
      text: 'AWS_SECRET_ACCESS_KEY=abc/d AWS_ACCESS_KEY_ID=AKIA aws_session_token: x',
      want: 'AWS_SECRET_ACCESS_KEY=[removed] AWS_ACCESS_KEY_ID=[removed] aws_session_token: [removed]',
    },
    {
      name: 'a token in place of a user',
      text: 'https://ghp_abc@example.org/a',
      want: 'https://[removed]@example.org/a',
    },
    { name: 'a part of a query', text: 'http://h/a?token=abc&b=c', want: 'http://h/a?token=[removed]&b=c' },
  ])
    it(`takes out ${name}`, () => expect(redactText(text)).to.equal(want))

  for (const text of [
    'rtsp://10.0.3.7:554/main',
    'retrain all-15: 61.2 → 78.9 % for 14 GPU-s',
    'https://example.org/a?mail=me@example.org',
    'runAsUser: 1000, 3 tokenizers, key: nvidia.com/gpu',
    'bypass: 3, compass=7',
    'worker 10.0.0.7:8080: POST /model: no file models/x.onnx',
  ])
    it(`leaves alone: ${text}`, () => expect(redactText(text)).to.equal(text))

  it('takes long names for what they are in no more than their length', () => {
    const text = `token${'_a'.repeat(50_000)} ${'a-'.repeat(50_000)}`
    expect(redactText(text)).to.equal(text)
  }).timeout(1000)
})

describe('redact', () => {
  it('goes by the names of fields and of variables', () =>
    expect(
      redact({
        metadata: {
          managedFields: [1],
          annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', keep: 'x' },
        },
        env: [
          { name: 'API_TOKEN', value: 'abc' },
          { name: 'AWS_SECRET_ACCESS_KEY', value: 'abc' },
          { name: 'AWS_ACCESS_KEY_ID', value: 'abc' },
          { name: 'RTSP_PASS', value: 'abc' },
          { name: 'CAMERA_KEY', value: 'abc' },
          { name: 'PASSES', value: '3' },
          { name: 'MODE', value: 'fast' },
        ],
        password: 'abc',
        secretAccessKey: 'abc',
        args: ['--token', 'abc', '--seed', '1', '--password=abc'],
        tolerations: [{ key: 'nvidia.com/gpu' }],
        credentialsSecret: { name: 'camera' },
        volumes: [{ secret: { secretName: 'camera' } }],
        count: 3,
      }),
    ).to.deep.equal({
      metadata: { annotations: { keep: 'x' } },
      env: [
        { name: 'API_TOKEN', value: '[removed]' },
        { name: 'AWS_SECRET_ACCESS_KEY', value: '[removed]' },
        { name: 'AWS_ACCESS_KEY_ID', value: '[removed]' },
        { name: 'RTSP_PASS', value: '[removed]' },
        { name: 'CAMERA_KEY', value: '[removed]' },
        { name: 'PASSES', value: '3' },
        { name: 'MODE', value: 'fast' },
      ],
      password: '[removed]',
      secretAccessKey: '[removed]',
      args: ['--token', '[removed]', '--seed', '1', '--password=[removed]'],
      tolerations: [{ key: 'nvidia.com/gpu' }],
      credentialsSecret: { name: 'camera' },
      volumes: [{ secret: { secretName: 'camera' } }],
      count: 3,
    }))
})
