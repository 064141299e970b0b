/** The hop by two versions, one of them a shadow. */
import { pipeline } from 'millrace'
import { smooth } from './hop.ts'

export default pipeline('bench', { agents: [smooth(1), smooth(2, true)] })
