/**
 * Keeps an open page up to date: told of a change, it fetches itself and replaces the parts that differ. What the reader has opened,
 * scrolled or focused stays. Without this script the page is complete, and a reload brings it up to date.
 */
const button = document.querySelector('#live')
const state = new WeakMap()
let running = false
let again = false

async function refresh() {
  if (running) {
    again = true
    return
  }
  running = true
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
    if (!answer.ok) return
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const part of document.querySelectorAll('[data-part]')) {
      const next = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`)
      if (next === null || next.innerHTML === (state.get(part) ?? part.innerHTML)) continue
      replace(part, next.innerHTML)
    }
  } finally {
    running = false
    if (again) {
      again = false
      refresh()
    }
  }
}

function replace(part, markup) {
  const open = [...part.querySelectorAll('details[open]')].map(each => each.id)
  const focused = part.contains(document.activeElement)
    ? [...part.querySelectorAll('a, summary, [tabindex]')].indexOf(document.activeElement)
    : -1
  const scrolled = [...part.querySelectorAll('.scroll')].map(each => each.scrollLeft)
  part.innerHTML = markup
  state.set(part, markup)
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
  for (const [i, each] of [...part.querySelectorAll('.scroll')].entries()) each.scrollLeft = scrolled[i] ?? 0
  if (focused >= 0) part.querySelectorAll('a, summary, [tabindex]')[focused]?.focus({ preventScroll: true })
}

function show(live) {
  button.setAttribute('aria-pressed', String(live))
  button.textContent = live ? 'Live' : 'Paused'
}

let source
function listen() {
  source = new EventSource('/live')
  source.addEventListener('error', () => {
    // A connection that broke is taken up again by the browser; one that was refused is not.
    if (source.readyState === EventSource.CLOSED) show(false)
  })
  source.addEventListener('change', () => {
    if (!document.hidden) refresh()
  })
}

button.hidden = false
button.addEventListener('click', () => {
  const live = button.getAttribute('aria-pressed') !== 'true'
  show(live)
  if (live) {
    listen()
    refresh()
  } else source.close()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && button.getAttribute('aria-pressed') === 'true') refresh()
})
listen()
