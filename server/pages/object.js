// The form of an objection: one objection however often it is sent, and its number as the receipt.
const form = by('form')
let key = uuid()

async function file() {
  const words = by('words').value.trim()
  if (!words) {
    by('words').focus()
    return toast('请写出哪里不对')
  }
  by('send').disabled = true
  by('send').textContent = '正在提交…'
  try {
    const { notice, no } = form.dataset
    const facts = await post(`notices/${notice}/object`, { key, no: Number(no), words, photos: await photosSent() })
    if (facts.refusal) {
      key = uuid() // nothing happened; what is mended is a new try
      if (facts.refusal === 'photos_gone') photos.forEach(sendPhoto)
      by('state').textContent = facts.message
      toast(facts.message)
    } else {
      form.hidden = true
      by('done').hidden = false
      by('done-title').textContent = `已收到，异议编号：${facts.objection}`
      by('done-words').textContent = `最晚 ${facts.answer_by} 答复您，结果也会在公众号里通知。您的姓名不公开，也不告诉申报人。`
      by('done-title').focus()
    }
  } catch (error) {
    toast(error.message) // the same key again: it may have arrived
  } finally {
    by('send').disabled = false
    by('send').textContent = '提交异议'
  }
}

if (form) {
  form.hidden = false // without a script the page says how to do it in the chat
  by('words').addEventListener('input', () => { by('count').textContent = by('words').value.length })
  form.addEventListener('submit', (event) => { event.preventDefault(); file() })
}
