// The queue: approve one or several, return or reject one; every decision is sent under a key of its own until it arrived.
const rows = new Map() // no → {row, card}
const deciding = new Set() // numbers on their way: a second tap does not decide them again
let last = null

const CAPS = { declaration: '单次', day: '每日', week: '每周', category: '本类', period: '本期' }
const hours = (minutes) => minutes % 60 ? minutes % 30 ? `${minutes}分钟` : `${minutes / 60}小时` : `${minutes / 60}小时`
const open = () => [...rows.values()].filter(({ row, card }) => !card.classList.contains('decided') && !deciding.has(row.no))
const picked = () => open().filter(({ card }) => card.querySelector('input').checked)

function update() {
  const count = picked().length
  by('approve').disabled = count === 0
  by('approve').textContent = count ? `通过所选（${count}）` : '通过所选'
  by('all').textContent = count && count === open().length ? '取消全选' : '全选'
}

// ---- cards

function warningOf(row) {
  const used = row.evidence.map((one) => one.used_before).filter(Boolean)
  return [row.no_proof && '无照片', used.length && `照片曾用于编号：${used[0]}`, row.waiting_days >= 3 && `已等${row.waiting_days}天`].filter(Boolean).join('　')
}

function shot(photo) {
  const button = document.createElement('button')
  const image = document.createElement('img')
  button.type = 'button'
  button.setAttribute('aria-label', '放大照片')
  image.src = photo.small
  image.alt = '服务照片'
  image.loading = 'lazy'
  button.append(image)
  button.addEventListener('click', () => {
    by('large').src = photo.path
    by('picture').showModal()
  })
  return button
}

function show(row) {
  const card = by('row').content.firstElementChild.cloneNode(true)
  const find = (name) => card.querySelector(`.${name}`)
  find('who').textContent = `${row.name}（${row.unit}）`
  find('what').textContent = `编号：${row.no} ${row.item} · ${Number(row.date.slice(5, 7))}月${Number(row.date.slice(8))}日${row.from ? ` ${row.from}-${row.to}` : ''} · ${hours(row.minutes)} · ${row.claimed}分`
  find('words').textContent = row.appeal ? `${row.words}\n申诉理由：${row.appeal_words}` : row.words
  find('warning').textContent = warningOf(row)
  find('warning').hidden = !warningOf(row)
  find('shots').append(...row.evidence.filter((one) => one.small).map(shot))
  card.querySelector('input').addEventListener('change', update)
  find('approve').addEventListener('click', () => approve([row.no]))
  find('turn-down').addEventListener('click', () => turnDown(row))
  by('rows').append(card)
  rows.set(row.no, { row, card })
}

function tell(no, words, decided) {
  const { card } = rows.get(no) ?? {}
  if (!card) return
  const result = card.querySelector('.result')
  result.textContent = words
  result.hidden = false
  if (decided) {
    card.classList.add('decided')
    card.querySelector('input').disabled = true
  }
}

// ---- decisions

const REASONS = { own: '这是您自己的申报', own_unit: '这是本单位的申报', not_found: '没有这个编号', same_reviewer: '这是对您决定的申诉，请由别人审核' }
const why = (one) => one.refusal === 'already' ? `${one.own_decision ? '您' : one.by}已经审过` : REASONS[one.refusal] ?? '现在不能审核'

function hold(nos, held) {
  for (const no of nos) {
    if (held) deciding.add(no)
    else deciding.delete(no)
    rows.get(no).card.querySelectorAll('button').forEach((one) => { one.disabled = held })
  }
  update()
}

// The same key until an answer came: a lost answer does not decide twice.
async function decide(body) {
  const key = uuid()
  for (let tries = 0; ; tries++) {
    try {
      return await post('review/decide', { ...body, key })
    } catch (error) {
      if (tries === 2) throw error
      await new Promise((done) => setTimeout(done, 1000))
    }
  }
}

async function approve(nos) {
  hold(nos, true)
  try {
    const facts = await decide({ decision: 'approve', nos })
    if (facts.refusal) return toast(facts.message)
    for (const one of facts.results) {
      tell(one.no, one.ok ? `已通过，${one.counted}分${one.cap ? `（已到${CAPS[one.cap]}上限）` : ''}` : why(one), one.ok || one.refusal === 'already')
    }
    const good = facts.results.filter((one) => one.ok).length
    toast(good === nos.length ? `已通过 ${good} 条` : `已通过 ${good} 条，${nos.length - good} 条没有通过`)
  } catch (error) {
    toast(error.message)
  } finally {
    hold(nos, false)
    count()
  }
}

let turning = null
function turnDown(row) {
  turning = row
  by('reason').value = ''
  by('turn-down').returnValue = ''
  by('turn-down').showModal()
}

document.querySelectorAll('[data-words]').forEach((one) => one.addEventListener('click', () => { by('reason').value = one.dataset.words }))

by('turn-down').addEventListener('close', async () => {
  const decision = by('turn-down').returnValue
  const words = by('reason').value.trim()
  const { no } = turning
  if (!decision) return
  if (!words) {
    toast('请写原因，申报人会看到')
    return turnDown(turning)
  }
  hold([no], true)
  try {
    const facts = await decide({ decision, nos: [no], words })
    if (facts.refusal) tell(no, facts.refusal === 'too_many_returns' ? '已退回过两次，请通过或驳回' : why(facts), facts.refusal === 'already')
    else tell(no, decision === 'return' ? '已退回' : '已驳回', true)
  } catch (error) {
    toast(error.message)
  } finally {
    hold([no], false)
    count()
  }
})

by('approve').addEventListener('click', () => approve(picked().map(({ row }) => row.no)))
by('all').addEventListener('click', () => {
  const check = picked().length < open().length
  open().forEach(({ card }) => { card.querySelector('input').checked = check })
  update()
})

// ---- reading

let total = 0
function count() {
  const left = total - [...rows.values()].filter(({ card }) => card.classList.contains('decided')).length
  by('total').textContent = left > 0 ? `还有 ${left} 条` : '都审完了，辛苦了！'
  update()
}

async function read() {
  by('more').disabled = true
  try {
    const facts = await ask(`review/queue${last ? `?after=${last}` : ''}`)
    if (facts.refusal) return toast(facts.message)
    facts.rows.forEach(show)
    if (last === null) total = facts.total
    last = facts.rows.at(-1)?.no ?? last
    by('more').hidden = facts.rows.length < 20
    count()
  } catch (error) {
    by('total').textContent = error.message
    by('more').hidden = false // to try again
  } finally {
    by('more').disabled = false
  }
}

by('more').addEventListener('click', read)
read()
