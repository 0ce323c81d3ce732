// Takes pictures or folders, four at a time, into a set: a new one on Start, the page's own with data-set.
import { api, inspectSet, word } from './api.js'

/** All files of what was dropped, with their folders' names. */
async function dropped(items) {
  const found = []
  const walk = async (entry, path) => {
    if (entry.isFile) {
      found.push({ file: await new Promise((done, failed) => entry.file(done, failed)), name: path + entry.name })
    } else {
      const reader = entry.createReader()
      for (;;) {
        // A reader gives a hundred at a time.
        const some = await new Promise((done, failed) => reader.readEntries(done, failed))
        if (!some.length) break
        for (const inner of some) await walk(inner, `${path}${entry.name}/`)
      }
    }
  }
  for (const entry of [...items].map(item => item.webkitGetAsEntry?.()).filter(Boolean)) await walk(entry, '')
  return found
}

customElements.define('drop-zone', class extends HTMLElement {
  connectedCallback() {
    this.progress = this.querySelector('progress')
    this.output = this.querySelector('output')
    for (const input of this.querySelectorAll('input[type=file]')) {
      input.addEventListener('change', () => this.take([...input.files].map(file => ({ file, name: file.webkitRelativePath || file.name }))))
    }
    this.addEventListener('dragover', event => { event.preventDefault(); this.toggleAttribute('data-over', true) })
    this.addEventListener('dragleave', () => this.toggleAttribute('data-over', false))
    this.addEventListener('drop', async event => {
      event.preventDefault()
      this.toggleAttribute('data-over', false)
      this.take(await dropped(event.dataTransfer.items))
    })
    // A file that misses the zone isn't opened in place of the page.
    for (const name of ['dragover', 'drop']) addEventListener(name, event => event.preventDefault())
  }

  async take(all) {
    const files = all.filter(({ name }) => /\.(png|jpe?g|webp|gif|tiff?|avif|heic|bmp|txt)$/i.test(name) && !/(^|\/)\./.test(name))
    if (!files.length) { this.output.textContent = word('noPictures'); return }
    // The dropped folder names the set, and isn't a class by itself.
    const top = files[0].name.split('/')
    const isFolder = top.length > 1 && files.every(({ name }) => name.startsWith(top[0] + '/'))
    try {
      const set = this.dataset.set ?? (await api('POST', '/api/sets', { name: isFolder ? top[0] : word('newSet') })).id
      this.progress.hidden = false
      let done = 0
      const left = []
      const queue = files.slice()
      const send = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const name = isFolder ? next.name.slice(top[0].length + 1) : next.name
          const answer = await fetch(`/api/sets/${set}/pictures?name=${encodeURIComponent(name)}`, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: next.file })
          if (!answer.ok) left.push((await answer.json()).error)
          this.progress.value = ++done / files.length
          this.output.textContent = word('taken', done, files.length)
        }
      }
      await Promise.all([send(), send(), send(), send()])
      await api('POST', `/api/sets/${set}/done`)
      if (left.length < files.length) await inspectSet(set)
      if (left.length) { this.output.textContent = left.slice(0, 3).join(' '); await new Promise(done => setTimeout(done, 3000)) }
      location = `/sets/${set}`
    } catch (error) { this.output.textContent = error.message }
  }
})
