// The public names of an SDK's class: what its type declarations do not call private, and what is there at run time
// besides. The method table must have each of them, so that none is forgotten.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const MEMBER = /^ {4}(?<words>(?:(?:private|protected|public|static|readonly|abstract|get|set) )*)(?<name>[\w$]+)\??[(:;<]/

/**
 * The members of a declaration in the package in `folder`, and whether each is public. `app/session/events.d.ts#EventManager`
 * is a class, `….d.ts#interface Stream` an interface.
 */
function declared(folder, reference) {
  const [file, name] = reference.split('#')
  const lines = readFileSync(join(folder, 'dist', file), 'utf8').split('\n')
  const head = new RegExp(name.startsWith('interface ') ? `^export ${name}\\b` : `^export declare class ${name}\\b`)
  let at = lines.findIndex(line => head.test(line))
  if (at < 0) throw new Error(`${reference} is not declared`)
  // The base class may have type arguments of several lines.
  if (lines[at].endsWith('<{')) at = lines.findIndex((line, index) => index > at && line.startsWith('}'))
  const members = new Map()
  let open = 0
  for (const line of lines.slice(at + 1)) {
    if (line.startsWith('}')) break
    // tsc indents members by four spaces; comments begin otherwise, and parameters stand in parentheses.
    const { words, name } = (open === 0 && MEMBER.exec(line)?.groups) || {}
    if (!/^ *(\/?\*|\/\/)/.test(line)) open += line.split('(').length - line.split(')').length
    if (!name || name === 'constructor') continue
    members.set(name, !/private|static/.test(words) && !name.startsWith('_'))
  }
  return members
}

/** The public names of `object`, an instance of the declared classes. */
export function surface(folder, references, object) {
  const members = new Map(references.flatMap(reference => [...declared(folder, reference)]))
  const names = new Set([...members].filter(([, isPublic]) => isPublic).map(([name]) => name))
  const classes = new Set(references.map(reference => reference.split('#')[1]))
  for (let level = Object.getPrototypeOf(object); level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    // A bundler may have put a number behind the name of a class. Foreign base classes are not the SDK's API.
    if (!classes.has(level.constructor.name.replace(/\d+$/, ''))) continue
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name !== 'constructor' && !name.startsWith('_') && members.get(name) !== false) names.add(name)
    }
  }
  return names
}
