import type { Command } from 'commander'
import type { Shared } from './command.ts'

/** What `dev` and `start` take. */
export interface RunOptions extends Shared {
  readonly listen?: string
  readonly ops?: string
  readonly opsOpen?: string
  readonly opsUrl?: string
  readonly oidcIssuer?: string
  readonly oidcClientId?: string
  readonly attach?: string
  readonly page?: string
  readonly size?: string
  readonly role?: string
  readonly agents?: string
  readonly spill?: string
  readonly otlp?: string
  readonly otlpTraces?: string
  readonly dogstatsd?: string
  readonly log?: string
}

export function runFlags(command: Command): Command {
  return command
    .argument('<file>', 'the file whose default export is the pipeline')
    .option('--listen <address>', 'where producers send (default: 127.0.0.1:7070); other than this machine needs keys')
    .option(
      '--ops <address>',
      'where operators look: trace, cache, metrics (default: 127.0.0.1:7071); other than this machine needs a log-in',
    )
    .option('--ops-open <what>', 'what is answered there without a log-in: health (default), metrics, or all')
    .option('--ops-url <url>', 'what browsers call it, where a proxy stands before it')
    .option('--oidc-issuer <url>', 'log operators in at this OpenID Connect provider')
    .option('--oidc-client-id <id>', 'our name there; its secret is in MILLRACE_OIDC_CLIENT_SECRET')
    .option('--attach <address>', 'where workers of attached agents take their work (default: 127.0.0.1:7072)')
    .option('--page <folder>', "static files for the operators' listener to serve at /")
    .option('--size <size>', 'the most that the data may take on disk, such as 10GB')
    .option('--role <role>', 'what this process does: frontend, agents, storage, console, several of them, or all (default)')
    .option('--agents <names>', 'the agents that this process runs, separated by commas (default: all of its roles)')
    .option('--spill <size>', 'what the front end may keep on its own disk while a shared stream is away (default: 1GB; 0: nothing)')
    .option('--otlp <url>', 'where metrics and traces go by OTLP, such as http://collector:4318')
    .option('--otlp-traces <count>', 'of how many data a second a trace goes out by OTLP, at most (default: 1; 0: none)')
    .option('--dogstatsd <address>', 'where metrics go as DogStatsD, such as 127.0.0.1:8125')
    .option('--log <format>', 'how it says what happens, on stderr: text or json (default: text on a terminal, json elsewhere)')
}

/** The servers are loaded for the commands that run them alone: every other command starts without them, three times as fast. */
export async function runLazily(file: string, dev: boolean, command: Command): Promise<void> {
  const { run } = await import('./running.ts')
  await run(file, dev, command)
}
