// The photos of a form: sent while the rest is typed, each of them once however often it is tried.
const PHOTOS_MAX = 9
const PHOTO_BYTES_MAX = 10 << 20 // the server takes no more
const PHOTO_FAILED = '有照片没传上，点一下照片重试，或删掉它'
let photos = [] // {id, state: busy | there | failed, element, file}

const photosFailed = () => photos.some((photo) => photo.state === 'failed')

// Their ids, once all are there; throws with words for people when one is not.
async function photosSent() {
  await Promise.all(photos.map((one) => one.sending))
  if (photosFailed()) throw new Error(PHOTO_FAILED)
  return photos.map((one) => one.id)
}

function sendPhoto(photo) {
  photo.sending = sendPhotoOnce(photo)
}

async function sendPhotoOnce(photo) {
  photo.state = 'busy'
  photo.element.className = 'weui-uploader__file busy'
  try {
    const facts = await ask(`photos?key=${photo.id}`, { method: 'POST', body: photo.file, headers: { 'Content-Type': photo.file.type } })
    if (facts.refusal) throw new Error(facts.message)
    photo.state = 'there'
    photo.element.className = 'weui-uploader__file'
  } catch (error) {
    photo.state = 'failed'
    photo.element.className = 'weui-uploader__file failed'
    toast(error.message)
  }
}

function addPhoto(file) {
  const element = document.createElement('li')
  const drop = document.createElement('button')
  const photo = { id: uuid(), state: 'busy', element, file }
  drop.type = 'button'
  drop.className = 'drop'
  drop.textContent = '×'
  drop.setAttribute('aria-label', '删除这张照片')
  drop.addEventListener('click', (event) => {
    event.stopPropagation()
    photos = photos.filter((one) => one !== photo)
    element.remove()
  })
  element.addEventListener('click', () => { if (photo.state === 'failed') sendPhoto(photo) })
  const picture = document.createElement('img')
  picture.src = URL.createObjectURL(file)
  picture.alt = '待提交的照片'
  picture.width = picture.height = 96
  picture.style.objectFit = 'cover'
  element.append(picture, drop)
  by('photos').append(element)
  photos.push(photo)
  sendPhoto(photo)
}

by('photo')?.addEventListener('change', (event) => {
  const room = PHOTOS_MAX - photos.length
  const files = [...event.target.files].filter((one) => one.size <= PHOTO_BYTES_MAX)
  if (files.length < event.target.files.length) toast('照片太大了，每张不能超过10MB')
  if (files.length > room) toast(`最多 ${PHOTOS_MAX} 张照片`)
  files.slice(0, room).forEach(addPhoto)
  event.target.value = ''
})
