// The form: a live preview of the points, photos sent while the rest is typed, one declaration however often it is sent.
const form = by('form'), item = by('item'), day = by('day'), from = by('from'), to = by('to'), words = by('words'), worth = by('worth')
let minutes = 0
let key = uuid()
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

const CAPS = { declaration: '单次', day: '每日', week: '每周', category: '本类', period: '本期' }

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

// ---- sending

function missing(value) {
  if (!value.item) return [item, '请选择服务项目']
  if (!value.minutes && !value.from) return [hourChips[0], '请选择服务时长']
  if (!value.words) return [words, '请写一句做了什么']
  if (photosFailed()) return [by('photo'), PHOTO_FAILED]
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
    const facts = await post('declare', { ...value, key, photos: await photosSent() })
    if (facts.refusal) {
      key = uuid() // nothing happened; what is mended is a new try
      if (facts.refusal === 'photos_gone') photos.forEach(sendPhoto)
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
