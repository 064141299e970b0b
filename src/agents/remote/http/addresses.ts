import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Raised in place of a connection to an address that is not of the open internet. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/** What is not of the open internet, of IPv4 (https://www.iana.org/assignments/iana-ipv4-special-registry). */
const NOT_OPEN_4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local: also where clouds give out a machine's credentials.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // Multicast, reserved, broadcast.
  ['224.0.0.0', 3],
] as const

/** The same of IPv6 (https://www.iana.org/assignments/iana-ipv6-special-registry). */
const NOT_OPEN_6 = [
  // Unspecified, loopback, and IPv4 addresses in a notation that is out of use.
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  // Teredo and the like; 6to4: an IPv4 address is inside.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const

const notOpen = new BlockList()
for (const [address, prefix] of NOT_OPEN_4) {
  // Covers `::ffff:10.0.0.1` too, which is the same address in IPv6's notation.
  notOpen.addSubnet(address, prefix, 'ipv4')
  // As a network that speaks IPv6 alone reaches it (NAT64).
  notOpen.addSubnet(`64:ff9b::${address}`, 96 + prefix, 'ipv6')
}
for (const [address, prefix] of NOT_OPEN_6) notOpen.addSubnet(address, prefix, 'ipv6')

/** Whether an address is one of the open internet: not private, loopback, link-local, or reserved. */
export function isOpen(address: string): boolean {
  return !notOpen.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** The address that a URL names, where it names no host. */
export function addressIn(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 ? undefined : host
}

/**
 * Finds a name's addresses of the open internet. The socket connects to what this gives it and asks no second time, so that a name which
 * is answered otherwise a moment later (DNS rebinding) gains nothing.
 * @param find how names are looked up; Node's own.
 */
export function openLookup(find: typeof lookup = lookup): LookupFunction {
  return (host, options, done) => {
    find(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, [])
      const open = found.filter(({ address }) => isOpen(address))
      const [first] = open
      if (first === undefined) return done(new AddressRefused(`${host} is ${listed(found)}, no address of the open internet`), [])
      // Node asks for all of them where it tries several, for one where it does not.
      if (options.all === true) done(null, open)
      else done(null, first.address, first.family)
    })
  }
}

function listed(found: readonly LookupAddress[]): string {
  return found.map(({ address }) => address).join(', ')
}
