// Pictures that a page works on: chosen among those of the gallery, or uploaded; and the job that is followed to its end.
import { api, listen, make, word } from './api.js'

const ended = ['done', 'stopped', 'refused', 'setAside']

export async function upload(body, name) {
  const answer = await fetch(`/api/uploads?name=${encodeURIComponent(name)}`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body })
  const value = await answer.json()
  if (!answer.ok) throw new Error(value.error)
  return value
}

/** Follows the buttons of [data-pick] and the files of [data-upload]; `chosen` holds what each is for. */
export class Picking {
  constructor(page, changed) {
    Object.assign(this, { page, changed, chosen: {} })
    for (const picker of page.querySelectorAll('[data-pick]')) {
      picker.addEventListener('click', event => {
        const button = event.target.closest('button')
        if (button?.dataset.id) this.choose(picker.dataset.pick, `picture:${button.dataset.id}`, button.querySelector('img').src, button)
      })
    }
    for (const input of page.querySelectorAll('[data-upload]')) input.addEventListener('change', () => this.take(input))
  }

  choose(what, value, address, button) {
    this.chosen[what] = { value, address }
    for (const other of this.page.querySelectorAll(`[data-pick=${what}] button`)) other.setAttribute('aria-pressed', other === button)
    this.changed(what, address)
  }

  async take(input) {
    const file = input.files[0], what = input.dataset.upload
    if (!file) return
    try {
      const { id } = await upload(file, file.name)
      // The file that was chosen is shown from this browser: the server sends nothing back as it came.
      const address = URL.createObjectURL(file)
      const button = make('button', { type: 'button', title: file.name, ariaPressed: false }, make('img', { src: address, alt: file.name }))
      button.addEventListener('click', () => this.choose(what, `upload:${id}`, address, button))
      this.page.querySelector(`[data-pick=${what}]`).prepend(button)
      this.choose(what, `upload:${id}`, address, button)
    } catch (error) { this.page.bit('says').textContent = error.message }
  }
}

/** A page's job: begun, followed on its bar, and shown once all that it made is in the gallery. */
export class Following {
  constructor(page, show) {
    Object.assign(this, { page, show })
    listen(job => { if (job.id === this.job) this.follow(job) })
  }

  async begin(verb, values) {
    const job = await api('POST', '/api/jobs', { verb, values }), link = this.page.bit('job')
    this.job = job.id
    if (link) link.href = `/jobs/${job.id}`
    this.page.bit('progress').hidden = false
    this.follow(job)
  }

  async follow(job) {
    const progress = this.page.bit('progress'), says = this.page.bit('says')
    if (job.fraction != null) progress.value = job.fraction
    else progress.removeAttribute('value')
    if (job.state === 'waiting') says.textContent = word('film.waits')
    if (!ended.includes(job.state) || this.shown === job.id) return
    this.shown = job.id
    progress.hidden = true
    says.textContent = job.state === 'done' ? '' : job.reason ?? word(`state.${job.state}`)
    if (job.state !== 'done') return
    let found = []
    for (let tries = 0; tries < 30; tries++) {
      found = (await api('GET', `/api/pictures?job=${job.id}`)).pictures.map(view => view.picture)
      if (found.length && found.length >= job.pictureCount) break
      await new Promise(done => setTimeout(done, 500))
    }
    if (found.length) this.show(found)
  }
}
