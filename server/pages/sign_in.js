// Waits until the person has confirmed in the chat.
const state = document.getElementById('state')
const page = document.querySelector('main').dataset.page

async function look() {
  let status = 'shown'
  try {
    ({ status } = await ask('signin/state'))
  } catch (error) {
    state.textContent = error.message
  }
  if (status === 'confirmed') return location.replace(`/${account}/${page}`)
  if (status === 'over') {
    state.textContent = '二维码已失效'
    document.getElementById('again').hidden = false
    return
  }
  state.textContent = status === 'scanned' ? '已扫码，请在公众号里确认' : '等待扫码…'
  setTimeout(look, 1500)
}
look()
