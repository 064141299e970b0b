import { join } from 'node:path'
import { installed } from '../../scripts/servers/cache.ts'
import { serverFolder } from './folder.ts'
import { freePort } from './port.ts'
import { ServerProcess } from './server-process.ts'

/** A toxic is taken out of one connection after the other, and of each when what it holds back has been written: that takes its time. */
const ANSWER_MS = 60_000

/** A way to a server that can be disturbed. */
export interface Proxy {
  /** `127.0.0.1:port`. */
  readonly address: string
  readonly port: number
  /** Delays what the server answers. 0: no more. */
  latency(ms: number): Promise<void>
  /** Breaks every connection and refuses new ones, as a server that is down. */
  cut(): Promise<void>
  /** Keeps every connection open, and lets nothing through in either direction, as a network that has gone. What is sent meanwhile is lost. */
  hang(): Promise<void>
  /** Everything works again. After `hang` the connections of that time are broken. */
  mend(): Promise<void>
}

export interface Toxiproxy extends AsyncDisposable {
  /** `127.0.0.1:port` of its own API. */
  readonly address: string
  /** @param upstream the server, `host:port`. */
  proxy(upstream: string): Promise<Proxy>
  stop(): Promise<void>
  kill(): Promise<void>
  /** Its proxies are gone then. */
  restart(): Promise<void>
}

/** https://github.com/Shopify/toxiproxy: proxies on loopback that delay, hang and break connections. */
export async function startToxiproxy(): Promise<Toxiproxy> {
  const port = await freePort()
  const folder = serverFolder('toxiproxy')
  const address = `127.0.0.1:${port}`
  const call = (method: string, path: string, body?: object) => request(`http://${address}${path}`, method, body)
  const process = new ServerProcess({
    name: 'Toxiproxy',
    command: [installed('toxiproxy-server'), '-host', '127.0.0.1', '-port', String(port)],
    cwd: folder,
    logFile: join(folder, 'toxiproxy.log'),
    ready: () => call('GET', '/version'),
  })
  await process.start()
  return {
    address,
    proxy: async upstream => makeProxy(upstream, await freePort(), call),
    stop: () => process.stop(),
    kill: () => process.kill(),
    restart: () => process.restart(),
    [Symbol.asyncDispose]: () => process.kill(),
  }
}

type Call = (method: string, path: string, body?: object) => Promise<void>

async function makeProxy(upstream: string, port: number, call: Call): Promise<Proxy> {
  const name = `p${port}`
  const address = `127.0.0.1:${port}`
  await call('POST', '/proxies', { name, listen: address, upstream, enabled: true })
  const toxics = new Set<string>()
  const add = async (toxic: { readonly name: string; readonly type: string; readonly stream: string; readonly attributes: object }) => {
    if (toxics.has(toxic.name)) await remove(toxic.name)
    await call('POST', `/proxies/${name}/toxics`, toxic)
    toxics.add(toxic.name)
  }
  const remove = async (toxic: string) => {
    if (toxics.delete(toxic)) await call('DELETE', `/proxies/${name}/toxics/${toxic}`)
  }
  const enable = (enabled: boolean) => call('POST', `/proxies/${name}`, { enabled })
  return {
    address,
    port,
    latency: ms =>
      ms === 0 ? remove('latency') : add({ name: 'latency', type: 'latency', stream: 'downstream', attributes: { latency: ms } }),
    cut: () => enable(false),
    hang: async () => {
      // A timeout of 0: never closes, and drops what it is given.
      for (const stream of ['upstream', 'downstream'])
        await add({ name: `hang-${stream}`, type: 'timeout', stream, attributes: { timeout: 0 } })
    },
    mend: async () => {
      // A stream out of which bytes were dropped must not go on in the middle of a message.
      if (toxics.has('hang-upstream')) await enable(false)
      for (const toxic of [...toxics]) await remove(toxic)
      await enable(true)
    },
  }
}

async function request(url: string, method: string, body?: object): Promise<void> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`Toxiproxy refused ${method} ${url}: ${response.status} ${text.trim()}`)
}
