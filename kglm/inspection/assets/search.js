// The search box: labels and names that begin with what is typed, then words that do, then any that hold it.

const search = document.getElementById("search")
const completions = document.getElementById("completions")
const MOST_FOUND = 12
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
for (const node of nodes) node.folded = [fold(node.label), fold(node.name)]
let found = []
let chosen = -1

function find(typed) {
  const wanted = fold(typed.trim())
  if (!wanted) return []
  const rank = (text) => (text === wanted ? 0 : text.startsWith(wanted) ? 1 : text.includes(` ${wanted}`) ? 2 : text.includes(wanted) ? 3 : 9)
  return nodes
    .map((node) => [Math.min(...node.folded.map(rank)), node.index])
    .filter(([at]) => at < 9)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .slice(0, MOST_FOUND)
    .map(([, index]) => index)
}

function complete() {
  found = find(search.value)
  chosen = found.length ? 0 : -1
  completions.hidden = !search.value.trim()
  search.setAttribute("aria-expanded", String(!completions.hidden))
  completions.replaceChildren(...found.map((index, place) => make("li", {
    id: `found-${place}`, role: "option", onpointerdown: (event) => { event.preventDefault(); take(place) },
  }, marked(nodes[index].label), make("small", { textContent: state.shown.has(index) ? plural(nodes[index].links.length, "edge") : "hidden" }))))
  if (!found.length && search.value.trim()) completions.append(make("li", { role: "option", "aria-disabled": "true", textContent: "No node has this in its label or name." }))
  choose(chosen)
}

function marked(label) {
  const start = fold(label).indexOf(fold(search.value.trim()))
  const whole = make("span", { dir: "auto" })
  // Folding may change lengths; then the label stays plain.
  if (start < 0 || fold(label).length !== label.length) whole.textContent = label
  else {
    const end = start + search.value.trim().length
    whole.append(label.slice(0, start), make("mark", { textContent: label.slice(start, end) }), label.slice(end))
  }
  return whole
}

function choose(place) {
  chosen = place
  for (const [at, item] of [...completions.children].entries()) item.setAttribute("aria-selected", String(at === place))
  if (place >= 0) {
    search.setAttribute("aria-activedescendant", `found-${place}`)
    completions.children[place].scrollIntoView({ block: "nearest" })
  } else search.removeAttribute("aria-activedescendant")
}

function take(place) {
  const index = found[place]
  if (index === undefined) return
  closeSearch()
  search.value = ""
  select("node", index)
  reveal(index)
  element.focus({ preventScroll: true })
}

function closeSearch() {
  completions.hidden = true
  search.setAttribute("aria-expanded", "false")
}

search.addEventListener("input", complete)
search.addEventListener("focus", complete)
search.addEventListener("blur", closeSearch)
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault()
    if (found.length) choose((chosen + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length)
  } else if (event.key === "Enter") take(chosen)
  else if (event.key === "Escape") {
    search.value = ""
    closeSearch()
    element.focus({ preventScroll: true })
  }
  event.stopPropagation()
})
