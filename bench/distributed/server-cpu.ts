import { readdirSync, readFileSync } from 'node:fs'

export type ServerCommand = 'java' | 'redis-server' | 'postgres' | 'versitygw'

/** Linux counts CPU time in hundredths of a second for whoever reads it, whatever the kernel ticks at. */
const TICK_US = 10_000

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
  readonly ticks: number
  /** Of children that have ended and were waited for. */
  readonly childTicks: number
}

/** CPU microseconds that a server which this process has started has used so far: all its threads, and the processes that it serves with. */
export function serverCpu(command: ServerCommand): number {
  const all = processes()
  let ticks = 0
  for (const server of all.filter(each => each.parent === process.pid && each.command === command)) {
    ticks += server.ticks + server.childTicks
    for (const child of all) if (child.parent === server.pid) ticks += child.ticks
  }
  return ticks * TICK_US
}

function processes(): Process[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return []
    let stat: string
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'utf8')
    } catch {
      // It has ended since the folder was listed.
      return []
    }
    // The command stands in parentheses and may hold any character: proc_pid_stat(5).
    const close = stat.lastIndexOf(')')
    const fields = stat.slice(close + 2).split(' ')
    const number = (field: number) => Number(fields[field - 3])
    return [
      {
        pid: Number(name),
        parent: number(4),
        command: stat.slice(stat.indexOf('(') + 1, close),
        ticks: number(14) + number(15),
        childTicks: number(16) + number(17),
      },
    ]
  })
}
