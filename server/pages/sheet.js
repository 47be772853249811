// Printing, and personal invites: their codes are in the answer and nowhere else.
const sheet = document.querySelector('main.sheet')
const state = document.getElementById('state')
const invites = document.getElementById('invites')

document.getElementById('print').addEventListener('click', () => print())

function card({ name, code, qr }) {
  const one = document.getElementById('card').content.cloneNode(true)
  one.querySelector('h2').textContent = name
  one.querySelector('.unit').textContent = sheet.dataset.name
  one.querySelector('.qr').innerHTML = qr ?? '' // drawn by our server
  one.querySelector('b').textContent = `绑定 ${code}`
  return one
}

invites?.addEventListener('click', async () => {
  invites.disabled = true
  state.textContent = '正在制作…'
  try {
    const { rows } = await post(`sheets/${sheet.dataset.unit}/invites`, {})
    const cards = document.getElementById('cards')
    cards.replaceChildren(...rows.map(card))
    cards.hidden = rows.length === 0
    state.textContent = rows.length ? `做好了${rows.length}份，请现在打印，离开这一页就看不到了` : '这个单位的成员都已绑定'
  } catch (error) {
    state.textContent = error.message
    invites.disabled = false
  }
})
