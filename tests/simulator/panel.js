// The platform's faults and switches, one control for each.
import { $, post } from './phone.js'

const ALWAYS = 1_000_000 // a fault that stays until it is switched off
const PATHS = [['*', '全部接口'], ['/cgi-bin/stable_token', '取令牌'], ['/cgi-bin/message/custom/send', '客服消息'],
  ['/cgi-bin/message/template/send', '模板消息'], ['/cgi-bin/media/get', '取照片'], ['/cgi-bin/menu/create', '建菜单'],
  ['/cgi-bin/tags/members/batchtagging', '打标签'], ['/cgi-bin/freepublish/submit', '发布'], ['/sns/oauth2/access_token', '网页登录']]
const FAULTS = [['drop-before', '断开，没做'], ['drop-after', '断开，做了'], ['hang', '不回答，没做'], ['hang-after', '不回答，做了'], ['half-body', '回答半截'], ['http-502', '502'],
  [-1, '-1 系统繁忙'], [40001, '40001 令牌无效'], [45009, '45009 今日用完'], [45011, '45011 太快'], [45015, '45015 窗口已关'], [48001, '48001 没有权限']]
const YES_NO = [['verified', '已认证'], ['test_account', '测试号'], ['ip_allowed', 'IP 在白名单'], ['secret_frozen', '密钥冻结'], ['snapshot_user', '快照页用户']]
const CHOICES = [['type', '类型', { service: '服务号', subscription: '订阅号' }],
  ['publishing', '发布', { allowed: '允许', withdrawn: '无权限 48001', 53500: '53500 被封禁', 53501: '53501 太频繁', 53503: '53503 检查未过' }],
  ['publish_status', '发布结果', { 0: '成功', 2: '原创失败', 3: '失败', 4: '审核未过' }]]

async function orderFaults() {
  await fetch('/sim/api-fault', { method: 'DELETE' })
  const path = $('api-path').value
  for (const box of $('api-faults').querySelectorAll('input:checked')) {
    await post('/sim/api-fault', { path, fault: Number(box.value) || box.value, times: ALWAYS })
  }
  showState()
}

function showState() {
  const on = $('api-faults').querySelectorAll('input:checked').length
  $('panel').querySelector('.state').textContent = on ? `（${on} 个故障开着）` : ''
}

function checkbox(words, value, onChange) {
  const label = document.createElement('label')
  const box = Object.assign(document.createElement('input'), { type: 'checkbox', value })
  box.addEventListener('change', () => onChange(box.checked))
  label.append(box, ` ${words}`)
  return label
}

const turn = (switches) => post('/sim/switch', { account: $('account').value, switches })

function choice(name, words, options) {
  const label = document.createElement('label')
  const select = Object.assign(document.createElement('select'), { name })
  for (const [value, shown] of Object.entries(options)) select.append(new Option(shown, value))
  select.addEventListener('change', () => turn({ [name]: /^\d+$/.test(select.value) ? Number(select.value) : select.value }))
  label.append(`${words} `, select)
  return label
}

export async function setUpPanel(onClock) {
  for (const [path, words] of PATHS) $('api-path').append(new Option(words, path))
  $('api-path').addEventListener('change', orderFaults)
  for (const [fault, words] of FAULTS) $('api-faults').append(checkbox(words, fault, orderFaults))
  for (const [name, words] of YES_NO) $('switches').append(checkbox(words, name, (on) => turn({ [name]: on })))
  for (const one of CHOICES) $('switches').append(choice(...one))
  for (const button of document.querySelectorAll('[data-push]')) {
    button.addEventListener('click', () => post('/sim/fault', { account: $('account').value, faults: [button.dataset.push] }))
  }
  for (const button of document.querySelectorAll('[data-advance]')) {
    button.addEventListener('click', async () => {
      await post('/sim/clock', { advance_seconds: Number(button.dataset.advance) })
      onClock()
    })
  }
  const { ordered } = await (await fetch('/sim/api-fault')).json()
  for (const { path, fault } of ordered) {
    $('api-path').value = path
    const box = $('api-faults').querySelector(`input[value="${fault}"]`)
    if (box) box.checked = true
  }
  showState()
}

// Where the switches of an account stand.
export async function showPanel(account) {
  const { switches } = await post('/sim/switch', { account: account.id })
  for (const box of $('switches').querySelectorAll('input')) box.checked = switches[box.value]
  for (const select of $('switches').querySelectorAll('select')) select.value = switches[select.name]
}
