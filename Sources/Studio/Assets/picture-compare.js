// Two pictures side by side, one over the other, and what was different in their making.
import { make, word } from './api.js'
import './mask-painter.js'

export function compare([one, other], dialog) {
  const address = view => `/api/pictures/${view.picture.id}/file`
  const name = view => view.picture.seed != null ? word('seed', view.picture.seed) : view.picture.path.split('/').at(-1)
  const facts = view => ({ [word('size')]: `${view.picture.width} × ${view.picture.height}`, ...JSON.parse(view.picture.words) })
  const [left, right] = [facts(one), facts(other)]
  // Of the settings, which are JSON, each by itself.
  for (const side of [left, right]) {
    try { Object.assign(side, JSON.parse(side.Settings)) } catch { /* It has none. */ }
    delete side.Settings
  }
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter(key => String(left[key]) !== String(right[key]))
  const rows = keys.map(key => make('tr', {}, make('th', { scope: 'row' }, key), ...[left, right].map(side => make('td', {}, String(side[key] ?? '–').slice(0, 120)))))
  const over = make('before-after')
  over.show(address(one), address(other), word('compare.line'))
  const close = make('button', { type: 'button', className: 'button tiny' }, word('close'))
  close.addEventListener('click', () => dialog.close())
  dialog.querySelector('.stage').replaceChildren(make('div', { className: 'pair' },
    ...[one, other].map(view => make('figure', {}, make('img', { src: address(view), alt: name(view) }), make('figcaption', { className: 'quiet' }, name(view)))), over))
  dialog.querySelector('.facts').replaceChildren(make('h2', {}, word('compare.different')),
    keys.length ? make('div', { className: 'scroll' }, make('table', {}, make('tbody', {}, ...rows))) : make('p', {}, word('compare.same')), make('p', { className: 'actions' }, close))
  if (!dialog.open) dialog.showModal()
}
