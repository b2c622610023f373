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
  ])
    it(`takes out ${name}`, () => expect(redactText(text)).to.equal(want))

  for (const text of [
    'rtsp://10.0.3.7:554/main',
    'retrain all-15: 61.2 → 78.9 % for 14 GPU-s',
    'worker 10.0.0.7:8080: POST /model: no file models/x.onnx',
  ])
    it(`leaves alone: ${text}`, () => expect(redactText(text)).to.equal(text))
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
          { name: 'MODE', value: 'fast' },
        ],
        password: 'abc',
        credentialsSecret: { name: 'camera' },
        count: 3,
      }),
    ).to.deep.equal({
      metadata: { annotations: { keep: 'x' } },
      env: [
        { name: 'API_TOKEN', value: '[removed]' },
        { name: 'MODE', value: 'fast' },
      ],
      password: '[removed]',
      credentialsSecret: { name: 'camera' },
      count: 3,
    }))
})
