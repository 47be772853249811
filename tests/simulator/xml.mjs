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

// {name: text} of the elements below <xml>; throws when not well-formed or when one of them repeats.
export function readXml(source) {
  if (!source.startsWith('<xml>')) throw new Error('the reply does not begin with <xml>')
  const fields = {}
  const open = []
  let at = 0
  const add = (text) => {
    if (open.length >= 2) fields[open[1]] += text
    else if (text.trim()) throw new Error('text outside the elements')
  }
  while (at < source.length) {
    if (at && !open.length) {
      if (source.slice(at).trim()) throw new Error('something follows </xml>')
      return fields
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
        if (open.pop() !== tag[2]) throw new Error(`not well-formed XML: </${tag[2]}>`)
        continue
      }
      open.push(tag[2])
      if (open.length > DEPTH_MAX) throw new Error('nested too deep')
      if (open.length === 2) {
        if (Object.hasOwn(fields, tag[2])) throw new Error(`<${tag[2]}> comes twice`)
        fields[tag[2]] = ''
      }
    } else {
      const end = source.indexOf('<', at)
      add(plainText(source.slice(at, end < 0 ? source.length : end)))
      at = end < 0 ? source.length : end
    }
  }
  if (open.length) throw new Error('not well-formed XML: unfinished')
  return fields
}
