import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { selfSigned } from './self-signed.ts'

describe('selfSigned', () => {
  const { cert } = selfSigned('node-a', '127.42.7.1', 365, new Date('2026-03-01T12:00:00Z'))
  const certificate = new X509Certificate(cert)

  it('is signed with its own key', () => expect(certificate.verify(certificate.publicKey)).to.equal(true))

  it('is for the address and the name', () => {
    expect(certificate.checkIP('127.42.7.1')).to.equal('127.42.7.1')
    expect(certificate.checkIP('127.42.7.2')).to.equal(undefined)
    expect(certificate.subject).to.equal('CN=node-a')
  })

  it('is valid for as long as it should', () => {
    expect(certificate.validFromDate.toISOString()).to.equal('2026-03-01T12:00:00.000Z')
    expect(certificate.validToDate.toISOString()).to.equal('2027-03-01T12:00:00.000Z')
  })
})
