import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { MillraceError } from '../../../errors.ts'

export type KafkaClient = typeof import('@platformatic/kafka')
/** The client's `Connection`, of which only what the client's own calls need is used. */
export type Connection = InstanceType<KafkaClient['Connection']>

/** The client is the user's to install: nothing but this adapter needs it. @throws CLIENT_MISSING */
export async function loadClient(): Promise<KafkaClient> {
  try {
    await compileSchemasLate()
    return await import('@platformatic/kafka')
  } catch (cause) {
    throw new MillraceError('CLIENT_MISSING', 'A stream on Kafka needs the package @platformatic/kafka, which cannot be loaded.', {
      fix: 'Run: npm install @platformatic/kafka@2.12.1',
      cause,
    })
  }
}

/**
 * As it is loaded, the client makes code of the schemas of all its classes' options, 38 of them: more than half of what loading costs, in
 * every thread of every process. This adapter uses none of those classes, so each schema is compiled when it is first asked, if ever. The
 * file that has the compiler must come first; it has no name of its own, and is that of the version which package.json pins. Another version
 * that has it elsewhere loads as it does by itself.
 */
async function compileSchemasLate(): Promise<void> {
  const main = pathToFileURL(createRequire(import.meta.url).resolve('@platformatic/kafka'))
  const file = new URL('./utils.js', main)
  if (!existsSync(file)) return
  const { ajv } = (await import(file.href)) as { readonly ajv?: Compiler } // as that file exports it
  if (ajv === undefined || Object.hasOwn(ajv, 'compile')) return
  const compile = ajv.compile.bind(ajv)
  ajv.compile = schema => {
    let compiled: Validate | undefined
    const validate: Validate = data => {
      compiled ??= compile(schema)
      const isValid = compiled(data)
      validate.errors = compiled.errors
      return isValid
    }
    return validate
  }
}

/** What the client uses of ajv. */
interface Compiler {
  compile(schema: unknown): Validate
}

interface Validate {
  (data: unknown): unknown
  errors?: unknown
}
