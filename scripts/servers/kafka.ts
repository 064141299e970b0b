import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKafka } from '../../test/servers/kafka.ts'
import { cacheFolder, KAFKA_VERSION, kafkaJars, SCALA_VERSION } from './cache.ts'
import { kafkaArchive } from './kafka-archive.ts'
import { need, run } from './run.ts'
import type { Step } from './step.ts'

const POM = `<project><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>kafka</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_${SCALA_VERSION}</artifactId><version>${KAFKA_VERSION}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.1</version></dependency>
</dependencies></project>`

/** Kafka's jars with everything that they need, from Maven's repository. */
export const kafka: Step = {
  name: `Kafka ${KAFKA_VERSION}`,
  how: 'by Maven, 43 MB, about 20 s',
  present: () => {
    try {
      return kafkaJars() !== ''
    } catch {
      return false
    }
  },
  install: () => {
    need('java', 'to run Kafka', 'Debian: openjdk-17-jre-headless')
    need('mvn', 'to fetch Kafka', 'Debian: maven')
    const partial = cacheFolder('kafka.partial')
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    const pom = join(partial, 'pom.xml')
    writeFileSync(pom, POM)
    const jars = join(partial, 'jars')
    run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`])
    rmSync(cacheFolder('kafka'), { recursive: true, force: true })
    renameSync(jars, cacheFolder('kafka'))
    rmSync(partial, { recursive: true })
  },
}

/** Written by a broker as it ends: every later one starts in half the time. */
export const archive: Step = {
  name: 'Kafka’s class archive',
  how: 'by starting Kafka once, 52 MB, about 6 s',
  present: () => existsSync(kafkaArchive()),
  install: async () => {
    const partial = `${kafkaArchive()}.partial`
    const server = await startKafka({ jvm: ['-XX:TieredStopAtLevel=1', `-XX:ArchiveClassesAtExit=${partial}`] })
    await server.stop()
    renameSync(partial, kafkaArchive())
  },
}
