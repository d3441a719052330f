// What the reader has made of the page: which nodes and relations show, what is selected; undo; the address.

const first = new Set(nodes.slice(0, page.shown).map((node) => node.index))
const state = { shown: new Set(first), off: new Set(), selected: null, cursor: null, theme: null }
const past = []
const listeners = []

function onChange(listener) {
  listeners.push(listener)
}

function changed(what) {
  hiding = null
  for (const listener of listeners) listener(what)
  keepAddress()
}

function edgeShows(edge) {
  return state.shown.has(edge.source) && state.shown.has(edge.target) && !state.off.has(edge.relation)
}

function shownEdges() {
  return edges.filter(edgeShows)
}

function hiddenNeighbors(index) {
  return [...neighborsOf(index)].filter((other) => !state.shown.has(other)).sort((a, b) => a - b)
}

// The shown nodes that have a neighbour that is not, found once after each change.
let hiding = null
function nodesWithMore() {
  if (hiding) return hiding
  hiding = new Set()
  for (const edge of edges) {
    if (state.shown.has(edge.source) === state.shown.has(edge.target)) continue
    hiding.add(state.shown.has(edge.source) ? edge.source : edge.target)
  }
  return hiding
}

function remember() {
  past.push({ shown: new Set(state.shown), off: new Set(state.off), selected: state.selected, cursor: state.cursor })
  if (past.length > 100) past.shift()
}

function show(indices, what = "shown") {
  remember()
  for (const index of indices) state.shown.add(index)
  changed(what)
}

function hide(index) {
  remember()
  state.shown.delete(index)
  if (isSelected("node", index)) state.selected = null
  if (state.selected?.kind === "edge" && !edgeShows(edges[state.selected.index])) state.selected = null
  if (state.cursor === index) state.cursor = null
  changed("shown")
}

function showOnly(indices) {
  remember()
  state.shown = new Set(indices)
  if (state.selected?.kind === "edge" && !edgeShows(edges[state.selected.index])) state.selected = null
  if (state.selected?.kind === "node" && !state.shown.has(state.selected.index)) state.selected = null
  if (state.cursor !== null && !state.shown.has(state.cursor)) state.cursor = null
  changed("shown")
}

function setOff(off) {
  remember()
  state.off = off
  if (state.selected?.kind === "edge" && off.has(edges[state.selected.index].relation)) state.selected = null
  changed("shown")
}

function undo() {
  if (!past.length) return
  Object.assign(state, past.pop())
  changed("shown")
}

function isSelected(kind, index) {
  return state.selected !== null && state.selected.kind === kind && state.selected.index === index
}

function select(kind, index) {
  state.selected = kind === null ? null : { kind, index }
  if (kind === "node") {
    state.cursor = index
    if (!state.shown.has(index)) {
      remember()
      state.shown.add(index)
      changed("shown")
    }
  }
  changed("selected")
}

// The address holds what differs from the page as it opened, so that a link to it stays short.
function keepAddress() {
  const parts = new URLSearchParams()
  const more = [...state.shown].filter((index) => !first.has(index))
  const less = [...first].filter((index) => !state.shown.has(index))
  if (more.length && state.shown.size === nodes.length) parts.set("all", "1")
  else if (more.length) parts.set("more", ranges(more))
  if (less.length) parts.set("less", ranges(less))
  if (state.off.size) parts.set("off", [...state.off].map((relation) => relations[relation].name).join("~"))
  if (state.selected) parts.set(state.selected.kind, state.selected.index)
  if (state.theme) parts.set("theme", state.theme)
  const hash = parts.toString()
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search)
}

function readAddress() {
  hiding = null
  const parts = new URLSearchParams(location.hash.slice(1))
  state.shown = new Set(parts.has("all") ? nodes.map((node) => node.index) : first)
  for (const index of numbers(parts.get("more"))) if (index < nodes.length) state.shown.add(index)
  for (const index of numbers(parts.get("less"))) state.shown.delete(index)
  const off = (parts.get("off") ?? "").split("~")
  state.off = new Set(relations.map((_, index) => index).filter((index) => off.includes(relations[index].name)))
  state.theme = ["light", "dark"].includes(parts.get("theme")) ? parts.get("theme") : null
  const [node] = numbers(parts.get("node"))
  const [edge] = numbers(parts.get("edge"))
  state.selected = null
  state.cursor = null
  if (node < nodes.length) {
    state.shown.add(node)
    state.selected = { kind: "node", index: node }
    state.cursor = node
  } else if (edge < edges.length && edgeShows(edges[edge])) {
    state.selected = { kind: "edge", index: edge }
  }
}

function ranges(indices) {
  const runs = []
  for (const index of indices.sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && last[1] === index - 1) last[1] = index
    else runs.push([index, index])
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(".")
}

function numbers(text) {
  const found = []
  for (const run of (text ?? "").split(".")) {
    const match = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(run)
    if (!match) continue
    const last = Math.min(Number(match[2] ?? match[1]), Math.max(nodes.length, edges.length))
    for (let index = Number(match[1]); index <= last; index++) found.push(index)
  }
  return found
}
