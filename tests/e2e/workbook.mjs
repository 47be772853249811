// A workbook as Excel saves it, as far as a reader must care: shared strings, styles, one sheet, in a zip. Cells are
// texts, numbers or Dates.

const table = Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n >>> 0 })
export const crc32 = (bytes) => ~bytes.reduce((crc, byte) => table[(crc ^ byte) & 255] ^ (crc >>> 8), -1) >>> 0

function zip(files) {
  const parts = [], entries = []
  let at = 0
  for (const [name, text] of Object.entries(files)) {
    const path = Buffer.from(name), bytes = Buffer.from(text)
    const common = Buffer.alloc(26) // from "version needed" to the length of the extra field
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(bytes.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(path.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(at, 10)
    parts.push(Buffer.from('PK\x03\x04'), common, path, bytes)
    entries.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, place, path]))
    at += 30 + path.length + bytes.length
  }
  const directory = Buffer.concat(entries), end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, directory, end])
}

const escape = (text) => text.replace(/[<&]/g, (one) => (one === '<' ? '&lt;' : '&amp;'))

export function workbook(rows) {
  const strings = []
  const cell = (value, column, row) => {
    const place = `r="${String.fromCharCode(65 + column)}${row}"`
    if (value instanceof Date) return `<c ${place} s="1"><v>${Math.round(value.getTime() / 86400000) + 25569}</v></c>`
    if (typeof value === 'number') return `<c ${place}><v>${value}</v></c>`
    return `<c ${place} t="s"><v>${strings.push(value) - 1}</v></c>`
  }
  const sheet = rows.map((row, i) => `<row r="${i + 1}">${row.map((value, k) => cell(value, k, i + 1)).join('')}</row>`).join('')
  const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
  return zip({
    'xl/_rels/workbook.xml.rels': '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>',
    'xl/workbook.xml': `<workbook ${main} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/styles.xml': `<styleSheet ${main}><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
    'xl/worksheets/sheet1.xml': `<worksheet ${main}><sheetData>${sheet}</sheetData></worksheet>`,
    'xl/sharedStrings.xml': `<sst ${main}>${strings.map((text) => `<si><t>${escape(text)}</t></si>`).join('')}</sst>`
  })
}
