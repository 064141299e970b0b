/** A datum as a service of the tests gets it. */
export interface Item {
  readonly n: number
  readonly data_id: string
  readonly source: string
  readonly created: string
  readonly topic: string
  readonly attempt: number
  readonly data?: unknown
  readonly data_base64?: string
  readonly window?: readonly unknown[]
  readonly state?: unknown
}
