/** Whether a host can be reached from this machine alone: as it is listened on, or as a URL has it (`[::1]`). */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host)
}

/** The same of what a client says that it asks: a Host header, or the part of an Origin after `//`; with or without a port. */
export function isLoopbackAuthority(authority: string): boolean {
  return isLoopback(authority.replace(/:\d{1,5}$/, ''))
}
