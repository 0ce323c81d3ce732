// What every page needs: words, calls, events, and the components by their names.
import './drop-zone.js'
import './verb-form.js'
import './job-view.js'
import './picture-gallery.js'
import { act, api, cookie, inspectSet, listen, redraw, toast } from './api.js'

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => { cookie('language', button.dataset.language); location.reload() })
}
document.querySelector('[data-theme-switch]').addEventListener('click', () => {
  const root = document.documentElement
  const isDark = root.dataset.theme === 'dark' || (root.dataset.theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  root.dataset.theme = isDark ? 'light' : 'dark'
  cookie('theme', root.dataset.theme)
})

// On a phone the menu is wider than the page.
document.querySelector('nav [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest', behavior: 'instant' })

// Buttons that ask a job for something, wherever they are drawn.
document.addEventListener('click', async event => {
  const button = event.target.closest('[data-act], [data-inspect]')
  if (!button) return
  button.disabled = true
  try {
    if (button.dataset.inspect) {
      await inspectSet(button.dataset.inspect)
      location.reload()
    } else {
      await act(button.dataset.job, button.dataset.act, button.dataset.before ? { before: button.dataset.before } : {})
      document.body.dispatchEvent(new CustomEvent('atelier:job', { detail: { id: button.dataset.job } }))
    }
  } catch (error) { toast(error.message) } finally { button.disabled = false }
})

// A page that waits for a job is drawn again when it ends.
const followed = document.querySelector('[data-follow]')
if (followed) {
  const look = job => { if (['done', 'stopped', 'refused', 'setAside'].includes(job.state)) redraw() }
  listen(job => { if (job.id === followed.dataset.follow) look(job) })
  api('GET', `/api/jobs/${followed.dataset.follow}`).then(look, () => {})
}
listen(job => document.body.dispatchEvent(new CustomEvent('atelier:job', { detail: job })))
