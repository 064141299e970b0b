/** The hop by two versions, both of them live. */
import { pipeline } from 'millrace'
import { smooth } from './hop.ts'

export default pipeline('bench', { agents: [smooth(1), smooth(2)] })
