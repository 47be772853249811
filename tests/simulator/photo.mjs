// The photo that a person sends: a real JPEG with what a phone writes into it, the place included, so that a
// receiver can show that it removes them.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

const PICTURE = readFileSync(new URL('photo.jpg', import.meta.url))
const START = 2 // behind the marker that begins every JPEG
const ASCII = 2
const LONG = 4
const RATIONAL = 5

function segment(marker, content) {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}

// One directory of TIFF tags at `offset`; values longer than four bytes lie behind it.
function directory(offset, entries) {
  const table = Buffer.alloc(2 + entries.length * 12 + 4)
  const values = []
  let at = offset + table.length
  table.writeUInt16BE(entries.length, 0)
  entries.forEach(([tag, type, value], i) => {
    const data = type === ASCII ? Buffer.from(`${value}\0`) : Buffer.alloc(type === LONG ? 4 : value.length * 8)
    if (type === LONG) data.writeUInt32BE(value)
    if (type === RATIONAL) value.flat().forEach((number, k) => data.writeUInt32BE(number, k * 4))
    const count = type === ASCII ? data.length : type === LONG ? 1 : value.length
    table.writeUInt16BE(tag, 2 + i * 12)
    table.writeUInt16BE(type, 4 + i * 12)
    table.writeUInt32BE(count, 6 + i * 12)
    if (data.length <= 4) return data.copy(table, 10 + i * 12)
    table.writeUInt32BE(at, 10 + i * 12)
    values.push(data)
    at += data.length
  })
  return Buffer.concat([table, ...values])
}

const degrees = (value) => {
  const whole = Math.floor(value)
  const minutes = Math.floor((value - whole) * 60)
  return [[whole, 1], [minutes, 1], [Math.round(((value - whole) * 60 - minutes) * 6000), 100]]
}

function exif({ latitude, longitude, taken, make }) {
  const main = (place) => directory(8, [[0x010f, ASCII, make], [0x0132, ASCII, taken], [0x8825, LONG, place]])
  const place = 8 + main(0).length
  const gps = directory(place, [[1, ASCII, 'N'], [2, RATIONAL, degrees(latitude)], [3, ASCII, 'E'], [4, RATIONAL, degrees(longitude)]])
  return segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0MM\0*\0\0\0\b', 'latin1'), main(place), gps]))
}

// The picture with a comment, and with EXIF when `place` is given.
export function jpegWith({ comment, place }) {
  const extra = [place && exif(place), segment(0xfe, Buffer.from(comment))].filter(Boolean)
  return Buffer.concat([PICTURE.subarray(0, START), ...extra, PICTURE.subarray(START)])
}

// A fresh one: no two photos are the same file.
export function takePhoto(now = new Date()) {
  const taken = now.toISOString().slice(0, 19).replaceAll('-', ':').replace('T', ' ')
  return jpegWith({ comment: randomUUID(), place: { latitude: 39.9408, longitude: 116.3959, taken, make: 'Gulou Simulator' } })
}
