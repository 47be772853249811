// What all pages of signed-in people do alike: speak to the server, say something short.
const by = (id) => document.getElementById(id)
const account = document.body.dataset.account
const csrf = document.querySelector('meta[name=csrf]').content

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = bytes[6] & 15 | 64
  bytes[8] = bytes[8] & 63 | 128
  return [...bytes].map((one, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + one.toString(16).padStart(2, '0')).join('')
}

let toastTimer
function toast(words) {
  const box = document.getElementById('toast')
  box.textContent = words
  box.hidden = false
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => { box.hidden = true }, 4000)
}

// The answer, {"refusal","message"} included; throws with words for people when there is none.
async function ask(path, options) {
  const response = await fetch(`/${account}/${path}`, { ...options, headers: { 'X-CSRF-Token': csrf, ...options?.headers } }).catch(() => null)
  const value = await response?.json().catch(() => null)
  if (response && !response.ok) throw new Error(value?.error?.message ?? '系统繁忙，请稍后再试')
  if (!value) throw new Error('网络不通，请再试一次')
  return value
}

const post = (path, body) => ask(path, { method: 'POST', body: JSON.stringify(body) })

// On a desktop that others use, too.
const leave = document.getElementById('leave')
if (leave && !/MicroMessenger/i.test(navigator.userAgent)) {
  leave.hidden = false
  leave.addEventListener('click', async () => {
    await fetch(`/${account}/signout`, { method: 'POST', headers: { 'X-CSRF-Token': csrf } }).catch(() => null)
    location.replace(`/${account}/`)
  })
}

// Inside WeChat: takes sharing out of its menu, because these pages show names and photos. Without it they work as well.
function hideSharing() {
  const script = document.createElement('script')
  script.src = 'https://res.wx.qq.com/open/js/jweixin-1.6.0.js'
  script.addEventListener('load', async () => {
    const signed = await ask(`jssdk?url=${encodeURIComponent(location.href.split('#')[0])}`).catch(() => null)
    if (!signed) return
    wx.config({ ...signed, jsApiList: ['hideAllNonBaseMenuItem'] })
    wx.ready(() => wx.hideAllNonBaseMenuItem())
  })
  document.head.append(script)
}
if (/MicroMessenger/i.test(navigator.userAgent)) hideSharing()
