// The form: a live preview of the points, photos sent while the rest is typed, one declaration however often it is sent.
const by = (id) => document.getElementById(id)
const form = by('form'), item = by('item'), day = by('day'), from = by('from'), to = by('to'), words = by('words'), worth = by('worth')
const PHOTOS_MAX = 9
const PHOTO_BYTES_MAX = 10 << 20 // the server takes no more
let minutes = 0
let key = uuid()
let photos = [] // {id, state: busy | there | failed, element, file}
let asked = 0

const press = (buttons, pressed) => buttons.forEach((one) => one.setAttribute('aria-pressed', String(one === pressed)))
const dayChips = [...form.querySelectorAll('[data-days-ago]')]
const hourChips = [...form.querySelectorAll('[data-minutes]')]
const today = new Date(`${day.max}T12:00:00Z`)

function daysAgo(count) {
  return new Date(today - count * 86400_000).toISOString().slice(0, 10)
}

// ---- preview

function values() {
  const timed = from.value && to.value
  return { item: Number(item.value), day: day.value, words: words.value.trim(),
    ...timed ? { from: from.value, to: to.value } : { minutes: item.selectedOptions[0]?.dataset.task && !minutes ? 60 : minutes } }
}

const CAPS = { declaration: '单次', day: '每日', week: '每周', category: '本类', period: '本季' }

function tellWorth(facts) {
  worth.className = facts.refusal ? 'bad' : 'good'
  if (facts.refusal) worth.textContent = facts.message
  else worth.textContent = `预计 ${facts.points} 分` + (facts.cap ? `（按时长 ${facts.claimed} 分，已到${CAPS[facts.cap]}上限）` : '')
}

async function preview() {
  const value = values()
  const mine = ++asked
  if (!value.item || !value.day || !(value.minutes || value.from)) {
    worth.className = ''
    worth.textContent = '选好项目和时长，这里会显示预计积分'
    return
  }
  try {
    const facts = await post('declare/preview', value)
    if (mine === asked) tellWorth(facts)
  } catch (error) {
    if (mine === asked) tellWorth({ refusal: true, message: error.message })
  }
}

// ---- the fields

dayChips.forEach((one) => one.addEventListener('click', () => {
  day.value = daysAgo(Number(one.dataset.daysAgo))
  press(dayChips, one)
  preview()
}))
day.addEventListener('change', () => {
  press(dayChips, dayChips.find((one) => daysAgo(Number(one.dataset.daysAgo)) === day.value))
  preview()
})
hourChips.forEach((one) => one.addEventListener('click', () => {
  minutes = Number(one.dataset.minutes)
  from.value = to.value = ''
  press(hourChips, one)
  preview()
}))
for (const one of [from, to]) one.addEventListener('change', () => {
  press(hourChips, null)
  minutes = 0
  preview()
})
item.addEventListener('change', () => {
  by('proof-note').textContent = item.selectedOptions[0]?.dataset.required ? '（这个项目必须有照片）' : '（有照片更容易通过）'
  preview()
})
words.addEventListener('input', () => { by('count').textContent = words.value.length })

// ---- photos

function send(photo) {
  photo.sending = sendOnce(photo)
}

async function sendOnce(photo) {
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
  element.addEventListener('click', () => { if (photo.state === 'failed') send(photo) })
  const picture = document.createElement('img')
  picture.src = URL.createObjectURL(file)
  picture.alt = '待提交的照片'
  picture.width = picture.height = 96
  picture.style.objectFit = 'cover'
  element.append(picture, drop)
  by('photos').append(element)
  photos.push(photo)
  send(photo)
}

by('photo').addEventListener('change', (event) => {
  const room = PHOTOS_MAX - photos.length
  const files = [...event.target.files].filter((one) => one.size <= PHOTO_BYTES_MAX)
  if (files.length < event.target.files.length) toast('照片太大了，每张不能超过10MB')
  if (files.length > room) toast(`最多 ${PHOTOS_MAX} 张照片`)
  files.slice(0, room).forEach(addPhoto)
  event.target.value = ''
})

// ---- sending

const PHOTO_FAILED = '有照片没传上，点一下照片重试，或删掉它'
const failed = (photo) => photo.state === 'failed'

function missing(value) {
  if (!value.item) return [item, '请选择服务项目']
  if (!value.minutes && !value.from) return [hourChips[0], '请选择服务时长']
  if (!value.words) return [words, '请写一句做了什么']
  if (photos.some(failed)) return [by('photo'), PHOTO_FAILED]
  return null
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const value = values()
  const lacks = missing(value)
  if (lacks) {
    lacks[0].focus()
    return toast(lacks[1])
  }
  const button = by('send')
  button.disabled = true
  button.textContent = '正在提交…'
  try {
    await Promise.all(photos.map((one) => one.sending))
    if (photos.some(failed)) throw new Error(PHOTO_FAILED)
    const facts = await post('declare', { ...value, key, photos: photos.map((one) => one.id) })
    if (facts.refusal) {
      key = uuid() // nothing happened; what is mended is a new try
      tellWorth(facts)
      toast(facts.message)
    } else {
      form.hidden = true
      by('done').hidden = false
      by('done-title').textContent = `已收到，编号：${facts.no}`
      by('done-words').textContent = facts.needs_proof ? '这个项目需要照片：在公众号里把照片直接发来，就会提交审核。' : `预计 ${facts.points} 分，待审核。结果会通知您。`
      by('done-title').focus()
    }
  } catch (error) {
    toast(error.message) // the same key again: it may have arrived
  } finally {
    button.disabled = false
    button.textContent = '提交申报'
  }
})

by('again').addEventListener('click', () => location.reload())
