import { protocolErrorsCodesById } from '@platformatic/kafka'

/** The code of an error of Kafka's protocol. */
export function errorCode(name: string): number {
  const found = Object.entries(protocolErrorsCodesById).find(([, id]) => id === name)
  if (found === undefined) throw new Error(`${name} is no error of the protocol.`)
  return Number(found[0])
}
