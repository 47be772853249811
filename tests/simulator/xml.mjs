// A small strict reader of reply XML: elements, text, CDATA and the five entities, nothing else. A valid
// reply needs no attributes, comments, declarations or DOCTYPE.
const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const DEPTH_MAX = 8

function plainText(text) {
  if (text.includes(']]>')) throw new Error(']]> outside CDATA')
  return text.replace(/&([^;&]*)(;?)/g, (_whole, name, end) => {
    if (!end) throw new Error('a bare & in text')
    if (Object.hasOwn(ENTITIES, name)) return ENTITIES[name]
    const digits = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name)
    if (!digits) throw new Error(`unknown entity &${name};`)
    return String.fromCodePoint(digits[1] ? parseInt(digits[1], 16) : parseInt(digits[2], 10))
  })
}

// The element <xml> as {name, text, children}; throws when not well-formed.
export function readTree(source) {
  if (!source.startsWith('<xml>')) throw new Error('the reply does not begin with <xml>')
  const open = []
  let root = null
  let at = 0
  const add = (text) => {
    if (open.length >= 2) open.at(-1).text += text
    else if (text.trim()) throw new Error('text outside the elements')
  }
  while (at < source.length) {
    if (root && !open.length) {
      if (source.slice(at).trim()) throw new Error('something follows </xml>')
      return root
    }
    if (source.startsWith('<![CDATA[', at)) {
      const end = source.indexOf(']]>', at)
      if (end < 0) throw new Error('not well-formed XML: unfinished CDATA')
      add(source.slice(at + 9, end))
      at = end + 3
    } else if (source[at] === '<') {
      const tag = /^<(\/?)([A-Za-z_][A-Za-z0-9_]{0,63})>/.exec(source.slice(at, at + 70))
      if (!tag) throw new Error(`not well-formed XML at ${JSON.stringify(source.slice(at, at + 20))}`)
      at += tag[0].length
      if (tag[1]) {
        if (open.pop()?.name !== tag[2]) throw new Error(`not well-formed XML: </${tag[2]}>`)
        continue
      }
      const element = { name: tag[2], text: '', children: [] }
      open.at(-1)?.children.push(element)
      root ??= element
      open.push(element)
      if (open.length > DEPTH_MAX) throw new Error('nested too deep')
    } else {
      const end = source.indexOf('<', at)
      add(plainText(source.slice(at, end < 0 ? source.length : end)))
      at = end < 0 ? source.length : end
    }
  }
  if (open.length) throw new Error('not well-formed XML: unfinished')
  return root
}

// {name: text} of the elements below one; throws when one of them repeats.
export function fieldsOf(element) {
  const fields = {}
  for (const { name, text } of element.children) {
    if (Object.hasOwn(fields, name)) throw new Error(`<${name}> comes twice`)
    fields[name] = text
  }
  return fields
}

export const readXml = (source) => fieldsOf(readTree(source))
