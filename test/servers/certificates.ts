import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from '../../scripts/servers/cache.ts'
import { serverFolder } from './folder.ts'

const DAYS = '2'

export interface Certificate {
  /** PEM files: the certificate, and its key as PKCS #8. */
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface Certificates {
  /** The authority that signed all of them; PEM. */
  readonly caFile: string
  readonly ca: string
  /** For 127.0.0.1 and localhost. */
  readonly server: Certificate
  /** For a client that must show one; its subject is `CN=client`. */
  readonly client: Certificate
  /** An authority that signed nothing here: whoever trusts only this one must refuse the server. */
  readonly strangerCa: string
  /** Kafka's properties for a listener with TLS; Kafka reads PEM, so it needs no keystore of Java's. */
  readonly kafkaProperties: Readonly<Record<string, string>>
}

/** An authority of our own and what it signed, made with openssl, good for two days. */
export function makeCertificates(): Certificates {
  const folder = serverFolder('certificates')
  const openssl = (...args: string[]) => execFileSync(installed('openssl'), args, { cwd: folder, stdio: 'pipe' })
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const authority = (name: string) => {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-noenc', '-days', DAYS, ...subject, '-keyout', `${name}.key`, '-out', `${name}.crt`)
  }
  const sign = (name: string): Certificate => {
    openssl('req', '-newkey', 'rsa:2048', '-noenc', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    writeFileSync(join(folder, `${name}.ext`), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`]
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', DAYS, '-out', `${name}.crt`)
    const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
    return { certFile, keyFile, cert: read(`${name}.crt`), key: read(`${name}.key`) }
  }
  authority('ca')
  authority('stranger')
  const [server, client] = [sign('server'), sign('client')]
  const both = join(folder, 'server.pem')
  writeFileSync(both, server.key + server.cert)
  const caFile = join(folder, 'ca.crt')
  return {
    caFile,
    ca: read('ca.crt'),
    server,
    client,
    strangerCa: read('stranger.crt'),
    kafkaProperties: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': both,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': caFile,
    },
  }
}
