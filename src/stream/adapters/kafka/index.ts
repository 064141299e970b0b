export { kafkaPipelines, openKafka } from './open.ts'
export type { Compression, EnvelopeCodec, KafkaOptions, KafkaSasl, KafkaTls, SaslMechanism } from './options.ts'
export { type KafkaUrlContext, kafkaOptions } from './url.ts'
