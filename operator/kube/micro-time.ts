/**
 * meta/v1 MicroTime, as Lease and events.k8s.io want it: RFC 3339 in UTC with exactly six fractional digits. The three
 * that Date prints are refused by the server.
 */
export function microTime(at: Date): string {
  return at.toISOString().replace(/Z$/, '000Z')
}
