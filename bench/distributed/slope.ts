import { type ServerCommand, serverCpu } from './server-cpu.ts'

/** CPU microseconds: the measured process's, and each server's meanwhile. */
export interface Used {
  readonly own: number
  readonly servers: Readonly<Record<string, number>>
}

/** Runs `work`, which resolves with the CPU microseconds of the measured process, and reads what the servers have used meanwhile. */
export async function used(servers: readonly ServerCommand[], work: () => Promise<number>): Promise<Used> {
  const before = servers.map(serverCpu)
  const own = await work()
  return { own, servers: Object.fromEntries(servers.map((server, i) => [server, serverCpu(server) - before[i]!])) }
}

/** The cost of a datum between two sizes: what starting costs is in both and in neither. */
export async function slope(sizes: { readonly few: number; readonly many: number }, work: (count: number) => Promise<Used>): Promise<Used> {
  const few = await work(sizes.few)
  const many = await work(sizes.many)
  const data = sizes.many - sizes.few
  return {
    own: (many.own - few.own) / data,
    servers: Object.fromEntries(Object.entries(many.servers).map(([name, value]) => [name, (value - few.servers[name]!) / data])),
  }
}

/** Of several rounds the one with the least cost of its own, with what the servers used in that round. */
export function least(rounds: readonly Used[]): Used {
  return rounds.reduce((best, round) => (round.own < best.own ? round : best))
}
