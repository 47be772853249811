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
    const cards = document.getElementById('cards')
    let after = 0
    do {
      const { rows, next } = await post(`sheets/${sheet.dataset.unit}/invites?after=${after}`, {})
      cards.append(...rows.map(card))
      cards.hidden = cards.childElementCount === 0
      after = next
    } while (after)
    const made = cards.childElementCount
    state.textContent = made ? `做好了${made}份，请现在打印，离开这一页就看不到了` : '这个单位的成员都已绑定'
  } catch (error) {
    state.textContent = error.message
    invites.disabled = false
  }
})
