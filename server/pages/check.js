// Checks a line of a notice, or all of it, here in the visitor's browser: the server is asked for the material
// only, every digest is computed anew (RFC 6962), and each step is told in plain words.
const form = document.getElementById('form')
const base = `/api/v1/${document.body.dataset.account}/notices/${form.dataset.notice}`
const PAGE = 1000

const bytes = (text) => new TextEncoder().encode(text)
const hex = (data) => [...data].map((one) => one.toString(16).padStart(2, '0')).join('')
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16))

async function sha256(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) { all.set(part, at); at += part.length }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}

const leafHash = (leaf) => sha256([0], bytes(leaf))
const nodeHash = (left, right) => sha256([1], left, right)

async function get(path) {
  let response, value
  try {
    response = await fetch(base + path)
    value = await response.json()
  } catch {
    throw new Error('网络不通，请再试一次')
  }
  if (!response.ok) throw Object.assign(new Error(value.error?.message ?? '系统繁忙，请稍后再试'), { code: value.error?.code })
  return value
}

// ---- what is shown

const result = document.getElementById('result')
const verdict = document.getElementById('verdict')
const steps = document.getElementById('steps')
let failed, started = 0

function begin(words) {
  failed = 0
  started++
  for (const id of ['facts', 'unknown']) document.getElementById(id)?.remove()
  steps.replaceChildren()
  result.className = 'card'
  verdict.textContent = words
  result.hidden = false
}

// ok: true, false, or null for something that can only be told.
function step(ok, words, detail) {
  const item = document.createElement('li')
  item.className = ok === null ? 'told' : ok ? 'good' : 'bad'
  item.textContent = (ok === null ? '· ' : ok ? '✓ ' : '✗ ') + words
  if (detail) {
    const more = document.createElement('span')
    more.className = 'root'
    more.textContent = detail
    item.append(more)
  }
  steps.append(item)
  if (ok === false) failed++
  return ok
}

function end(good, bad) {
  result.classList.add(failed ? 'bad' : 'good')
  verdict.textContent = failed ? bad : good
  verdict.focus()
}

function compareRoots(root) {
  step(root === form.dataset.root, root === form.dataset.root ? '算出的根和本页的根一样。' : '算出的根和本页的根不一样！', root)
  const known = document.getElementById('known').value.trim().toLowerCase()
  if (known) step(known === root, known === root ? '也和您填的根一样。' : '和您填的根不一样：您看到的可能不是同一份名单！')
}

// ---- one line

async function nameDigest(entry) { return hex(await sha256(bytes(entry.name_salt), bytes(entry.member))) }
const leafOf = (entry, digest) => [entry.no, entry.unit, entry.item, entry.points, entry.reviewed_on, digest].join('|')

// The line as the public list shows it; null when the list is for members only by now.
async function lineOf(no) {
  try {
    const { entries } = await get(`?after=${BigInt(no) - 1n}&limit=1`.replace('after=0&', ''))
    return entries[0]
  } catch (error) {
    if (error.code === 'members_only') return null
    throw error
  }
}

async function checkEntry(entry, proof) {
  const said = proof.leaf.split('|').at(-1)
  step(null, `名单上写的是：${entry.member}，${entry.unit}，${entry.item}，${entry.points} 分，${entry.reviewed_on} 审核。`)
  if (entry.name_salt === null) step(null, '这一行的姓名已应本人要求隐去，姓名不再核对，其余照样核对。')
  else if (await nameDigest(entry) === said) step(true, '姓名和定稿时一致（由姓名和盐值重新算出的摘要相同）。')
  else step(false, '姓名或盐值被改动过：重新算出的摘要不同。')
  const leaf = leafOf(entry, said)
  step(leaf === proof.leaf, leaf === proof.leaf ? '编号、单位、项目、积分、日期和定稿时一致。' : '编号、单位、项目、积分或日期和定稿时不一致！', proof.leaf)
}

// Up the tree, nearest sibling first; null when the path cannot be right.
async function follow(proof) {
  let { index, size } = proof, used = 0, hash = await leafHash(proof.leaf)
  for (; size > 1; index = Math.floor(index / 2), size = Math.ceil(size / 2)) {
    const odd = index % 2 === 1
    if (!odd && index + 1 >= size) continue // the last one, without a sibling, is carried up
    const sibling = unhex(proof.path[used++] ?? '')
    if (sibling.length !== 32) return null
    hash = odd ? await nodeHash(sibling, hash) : await nodeHash(hash, sibling)
  }
  return used === proof.path.length ? hex(hash) : null
}

async function checkLine(no) {
  begin('正在核对…')
  let proof
  try {
    proof = await get(`/proof/${no}`)
  } catch (error) {
    if (error.code !== 'not_found') throw error
    return end(step(false, `名单里没有编号 ${no}。`), '没有这一行')
  }
  const entry = await lineOf(no)
  if (entry) await checkEntry(entry, proof)
  else step(null, '名单已收起，姓名不再公开；下面只核对这一行的指纹。', proof.leaf)
  if (proof.leaf.split('|')[0] !== no) step(false, '服务器给的不是这个编号！')
  const root = await follow(proof)
  if (root === null) step(false, '合并路径不完整，得不到根。')
  else step(null, `从这一行往上合并 ${proof.path.length} 次，得到了根。`)
  compareRoots(root ?? '')
  end(`编号 ${no} 没有被改动`, `编号 ${no} 对不上，请截图并联系区域党委`)
}

// ---- the whole list

async function rootOf(hashes) {
  if (hashes.length === 0) return hex(await sha256())
  while (hashes.length > 1) {
    const above = []
    for (let i = 0; i < hashes.length; i += 2) above.push(i + 1 < hashes.length ? nodeHash(hashes[i], hashes[i + 1]) : hashes[i])
    hashes = await Promise.all(above)
  }
  return hex(hashes[0])
}

async function judge(entry) {
  const digest = entry.name_salt === null ? entry.leaf.split('|').at(-1) : await nameDigest(entry)
  return { good: leafOf(entry, digest) === entry.leaf, hash: await leafHash(entry.leaf), no: entry.no, points: Number(entry.points) }
}

// What became of the lines stands beside the leaves and has digests of its own.
const CORRECTION = ['correction', 'notice', 'no', 'member', 'unit', 'item', 'points', 'penalty', 'words', 'period', 'published_on', 'counted_in']
const digestOf = async (list, line) => hex(await sha256(bytes(list.map((one) => line(one) + '\n').join(''))))
const correctionLine = (one) => CORRECTION.map((name) => one[name]).filter((value) => value !== null).join('|')

async function besideFits(page) {
  return page.state_digest === await digestOf(page.entries, (one) => `${one.no}|${one.state}`)
    && page.corrections_digest === await digestOf(page.corrections, correctionLine)
    && page.corrected_digest === await digestOf(page.corrected, correctionLine)
}

async function checkAll() {
  const turn = (begin('正在取名单…'), started)
  const lines = []
  let head, beside = true
  for (let after = ''; after !== null;) {
    const page = await get(`?limit=${PAGE}${after && `&after=${after}`}`)
    head ??= page
    lines.push(...await Promise.all(page.entries.map(judge)))
    beside &&= await besideFits(page)
    if (turn !== started) return
    verdict.textContent = `已核对 ${lines.length} / ${page.entry_count} 行…`
    after = page.next
  }
  const wrong = lines.filter((one) => !one.good)
  const points = lines.reduce((sum, one) => sum + one.points, 0)
  const whole = lines.length === Number(form.dataset.entries) && String(points) === head.points
  step(wrong.length === 0, wrong.length === 0 ? `${lines.length} 行都和定稿时一致。`
    : `有 ${wrong.length} 行对不上，编号：${wrong.slice(0, 20).map((one) => one.no).join('、')}`)
  step(whole, whole ? `一行不多，一行不少，积分合计 ${points} 分。` : `行数或积分合计对不上：${lines.length} 行，${points} 分。`)
  step(beside, beside ? '每行的状态和更正公告与各自的摘要一致。' : '有状态或更正公告和摘要不一致！')
  compareRoots(await rootOf(lines.map((one) => one.hash)))
  end('整张名单没有被改动', '名单对不上，请截图并联系区域党委')
}

// ---- beginning

function run(work) {
  work().catch((error) => {
    failed = 1
    end('', error.message)
  })
}

if (!globalThis.crypto?.subtle) {
  document.getElementById('insecure').hidden = false
} else {
  document.getElementById('with-script').hidden = false
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const no = document.getElementById('no').value.trim()
    if (/^[1-9][0-9]*$/.test(no)) run(() => checkLine(no))
  })
  document.getElementById('all').addEventListener('click', () => run(checkAll))
  const asked = document.getElementById('no').value
  if (asked) run(() => checkLine(asked))
}
