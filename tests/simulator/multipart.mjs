// The one file of a multipart/form-data body, with the other fields as text. Null when it is none.
const CRLF = '\r\n'

function readPart(part) {
  const end = part.indexOf(CRLF + CRLF)
  if (end < 0) return null
  const head = part.subarray(0, end).toString()
  const name = /content-disposition:[^\r\n]*\bname="([^"]*)"/i.exec(head)?.[1]
  const filename = /content-disposition:[^\r\n]*\bfilename="([^"]*)"/i.exec(head)?.[1]
  const type = /content-type:\s*([^\s;]+)/i.exec(head)?.[1]
  return { name, filename, type, bytes: part.subarray(end + 4) }
}

export function readMultipart(contentType, body) {
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(contentType ?? '')?.[1]
  if (!boundary) return null
  const mark = Buffer.from(`--${boundary}`)
  const found = { file: null, fields: {} }
  let at = body.indexOf(mark)
  while (at >= 0) {
    const next = body.indexOf(mark, at + mark.length)
    if (next < 0) break
    const part = readPart(body.subarray(at + mark.length + CRLF.length, next - CRLF.length))
    if (part?.name === 'media' && part.filename !== undefined) found.file = part
    else if (part?.name) found.fields[part.name] = part.bytes.toString()
    at = next
  }
  return found
}
