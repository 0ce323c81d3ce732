// Calls of the studio's API, its events, and small things of a page.
const strings = JSON.parse(document.getElementById('strings').textContent)

/** A word in the page's language, with {0} in it replaced. */
export const word = (key, ...values) => (strings[key] ?? key).replace(/\{(\d)\}/g, (_, n) => values[n])

export async function api(method, path, body) {
  const writes = method !== 'GET'
  let answer
  try {
    answer = await fetch(path, { method, headers: writes ? { 'Content-Type': 'application/json' } : {}, body: writes ? JSON.stringify(body ?? {}) : undefined })
  } catch { throw new Error(word('gone')) }
  const value = await answer.json().catch(() => ({ error: answer.statusText }))
  if (!answer.ok) throw new Error(value.error)
  return value
}

export const act = (job, action, body) => api('POST', `/api/jobs/${job}/${action}`, body)
export const inspectSet = set => api('POST', '/api/jobs', { verb: 'inspect', values: { pictures: [`set:${set}`] } })
export const cookie = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; SameSite=Strict` }

export function toast(text, undo) {
  const box = document.createElement('div')
  box.className = 'toast'
  box.append(text)
  if (undo) {
    const button = document.createElement('button')
    button.textContent = word('undo')
    button.addEventListener('click', () => { box.remove(); undo() })
    box.append(button)
  }
  document.getElementById('toasts').append(box)
  setTimeout(() => box.remove(), undo ? 20000 : 7000)
}

/** Draws the page again, once nobody writes in a dialog and nothing can be undone. */
export function redraw() {
  if (document.querySelector('dialog[open], .toast button')) setTimeout(redraw, 500)
  else location.reload()
}

// One stream a page, whoever listens. The browser opens it again by itself.
let source
const hearers = { job: [], catalogue: [], live: [] }
export function listen(hear, event = 'job') {
  hearers[event].push(hear)
  if (source) return
  source = new EventSource('/api/events')
  for (const name of Object.keys(hearers)) {
    source.addEventListener(name, message => { const value = JSON.parse(message.data); for (const hear of hearers[name]) hear(value) })
  }
}

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'data') Object.assign(element.dataset, value)
    else if (name in element) element[name] = value
    else element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

export const spoken = seconds => {
  if (!Number.isFinite(seconds)) return ''
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.round(whole / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
