// A button of the menu is pressed: what the phone then sends, by the button's type. More than one push can follow.
import { createHash } from 'node:crypto'

const PLACE = { Location_X: '39.941', Location_Y: '116.396', Scale: '16', Label: '钟楼湾胡同' }

export const buttonsOf = (menu) => (menu ?? []).flatMap((one) => one.sub_button?.length ? one.sub_button : [one])

// {acts, url}: the pushes in their order, and the page that opens. `given`: scan_result, photo (bytes), as the person
// chose them.
export function pressed(button, given) {
  const event = (fields, eventKey = button.key) => ({ type: 'event', event: button.type, event_key: eventKey, fields })
  switch (button.type) {
    case 'click':
      return { acts: [{ ...event(), event: 'CLICK' }] }
    case 'view':
      return { acts: [{ ...event({ MenuId: 1 }, button.url), event: 'VIEW' }], url: button.url }
    case 'miniprogram':
      return { acts: [{ ...event({ MenuId: 1 }, button.pagepath), event: 'view_miniprogram' }] }
    case 'scancode_push':
    case 'scancode_waitmsg': {
      const result = given.scan_result ?? ''
      return { acts: [event({ ScanCodeInfo: { ScanType: 'qrcode', ScanResult: result } })],
        url: button.type === 'scancode_push' && /^https?:/.test(result) ? result : undefined }
    }
    case 'pic_sysphoto':
    case 'pic_photo_or_album':
    case 'pic_weixin': {
      const sum = createHash('md5').update(given.photo).digest('hex')
      return { acts: [event({ SendPicsInfo: { Count: 1, PicList: { item: { PicMd5Sum: sum } } } }),
        { type: 'image', data: given.photo.toString('base64'), content_type: given.content_type }] }
    }
    case 'location_select':
      return { acts: [event({ SendLocationInfo: { ...PLACE, Poiname: '' } }),
        { type: 'location', fields: { Location_X: 39.941, Location_Y: 116.396, Scale: 16, Label: PLACE.Label } }] }
    default:
      return { acts: [] } // media_id and the like: the phone shows them without asking anybody
  }
}
