export { type Credentials, type LambdaOptions, lambda } from './lambda.ts'
