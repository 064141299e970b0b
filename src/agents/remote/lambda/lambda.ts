import type { LambdaClient } from '@aws-sdk/client-lambda'
import { checkCount } from '../../../count.ts'
import type { Remote, RemoteAgentFacts } from '../../remote.ts'
import { Calls } from '../calls.ts'
import type { Answer } from '../messages.ts'
import type { Request, RequestLimits, Service } from '../service.ts'
import { refusal } from './refusal.ts'
import { answersIn, failureIn } from './reply.ts'
import { loadSdk, type Sdk } from './sdk.ts'

/** What Lambda takes in one synchronous invocation (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
const MOST_BYTES = 6 * 1024 * 1024
const CONNECT_MS = 5_000

/** An access key, or what gives one whenever it is asked, as the AWS SDK's credential providers do. */
export type Credentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | (() => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date }>)

export interface LambdaOptions {
  /** How many data a request has at most; fewer where they have 6 MB. Default 100. */
  readonly batch?: number
  /** How many invocations are under way at once, in each process of Millrace that runs the agent. Default 4. */
  readonly requests?: number
  /** A version or an alias of the function. Default: its latest. */
  readonly qualifier?: string
  /** Default: the environment's (`AWS_REGION`, the profile). */
  readonly region?: string
  /** The URL of a service that speaks Lambda's Invoke. Default: AWS, or what `AWS_ENDPOINT_URL_LAMBDA` says. */
  readonly endpoint?: string
  /** Default: the environment's, as all of AWS's tools find them: variables, profiles, the roles of containers and machines. */
  readonly credentials?: Credentials
}

/**
 * Invokes an AWS Lambda function with the data of a remote agent, in batches. It returns what became of each (docs/protocol.md), or
 * AWS's partial failures. Needs the package `@aws-sdk/client-lambda`; where that is missing the data wait, and the agent says so.
 * @param functionName its name or ARN.
 * @throws TypeError where an option is wrong.
 */
export function lambda(functionName: string, options: LambdaOptions = {}): Remote {
  if (typeof functionName !== 'string' || functionName === '')
    throw new TypeError("lambda(…) needs the name or the ARN of a function, such as lambda('mood').")
  const say = `lambda('${functionName}')`
  const batch = checkCount(`${say} batch`, options.batch ?? 100, 10_000)
  const requests = checkCount(`${say} requests`, options.requests ?? 4, 1_000)
  if (options.endpoint !== undefined && !/^https?:$/.test(URL.parse(options.endpoint)?.protocol ?? ''))
    throw new TypeError(`${say} endpoint must be a URL that begins with http:// or https://.`)
  return {
    kind: 'remote',
    // A request's worth lies ready for each that is under way.
    concurrency: Math.min(10_000, 2 * batch * requests),
    open: (agent, events) => {
      const limits = { batch, requests, batchBytes: MOST_BYTES, mostBytes: MOST_BYTES }
      return new Calls(new LambdaService(functionName, options, limits, agent), agent, events)
    },
  }
}

class LambdaService implements Service {
  readonly name: string
  readonly limits: RequestLimits
  readonly #function: string
  readonly #options: LambdaOptions
  readonly #agent: RemoteAgentFacts
  #client: Promise<{ readonly sdk: Sdk; readonly client: LambdaClient }> | undefined

  constructor(functionName: string, options: LambdaOptions, limits: RequestLimits, agent: RemoteAgentFacts) {
    this.name = `The function ${functionName} of ${agent.name}@${agent.version}`
    this.limits = limits
    this.#function = functionName
    this.#options = options
    this.#agent = agent
  }

  async call({ body, ids }: Request, signal: AbortSignal): Promise<readonly Answer[]> {
    const { FunctionError, payload } = await this.#invoke(body, signal)
    if (FunctionError !== undefined) throw failureIn(payload, this.name)
    return answersIn(payload, ids, this.#agent)
  }

  close(): void {
    void this.#client?.then(
      ({ client }) => client.destroy(),
      () => undefined,
    )
  }

  async #invoke(body: string, signal: AbortSignal): Promise<{ FunctionError: string | undefined; payload: string }> {
    const { qualifier } = this.#options
    try {
      this.#client ??= this.#connect()
      const { sdk, client } = await this.#client
      const command = new sdk.InvokeCommand({
        FunctionName: this.#function,
        ...(qualifier === undefined ? {} : { Qualifier: qualifier }),
        InvocationType: 'RequestResponse',
        Payload: Buffer.from(body),
      })
      const { FunctionError, Payload } = await client.send(command, { abortSignal: signal })
      return { FunctionError, payload: Payload?.transformToString('utf8') ?? '' }
    } catch (error) {
      throw refusal(error, this.name)
    }
  }

  async #connect(): Promise<{ readonly sdk: Sdk; readonly client: LambdaClient }> {
    const { region, endpoint, credentials } = this.#options
    const { requests } = this.limits
    try {
      const sdk = await loadSdk()
      const client = new sdk.LambdaClient({
        ...(region === undefined ? {} : { region }),
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(credentials === undefined ? {} : { credentials }),
        // Tried again by who knows which data are in it.
        maxAttempts: 1,
        // The agent's timeout ends a request.
        requestHandler: { connectionTimeout: CONNECT_MS, httpAgent: { maxSockets: requests }, httpsAgent: { maxSockets: requests } },
      })
      return { sdk, client }
    } catch (error) {
      // It may be installed while its data wait.
      this.#client = undefined
      throw error
    }
  }
}
