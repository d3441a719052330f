// Keys: walk along edges, select, expand, prune, zoom; all that a mouse can do.

const keysDialog = document.getElementById("keys")
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }

// Of the neighbours that lie that way, the one most straight ahead and near; without a place to start, the first node.
function walk([right, up]) {
  if (state.cursor === null || !state.shown.has(state.cursor)) {
    const start = state.selected?.kind === "edge" ? edges[state.selected.index].source : Math.min(...state.shown)
    return Number.isFinite(start) ? point(start) : undefined
  }
  const from = nodes[state.cursor]
  let [best, least] = [null, Infinity]
  for (const index of new Set(from.links.filter((link) => edgeShows(edges[link])).map((link) => otherEnd(edges[link], from.index)))) {
    const [dx, dy] = [nodes[index].x - from.x, nodes[index].y - from.y]
    const length = Math.hypot(dx, dy)
    const ahead = (dx * right + dy * up) / (length || 1)
    if (ahead < 0.35) continue
    const cost = length / ahead ** 2
    if (cost < least) [best, least] = [index, cost]
  }
  if (best === null) return say("No edge leads that way")
  const via = from.links.map((link) => edges[link]).find((edge) => edgeShows(edge) && otherEnd(edge, from.index) === best)
  point(best, sentenceOf(via))
}

function point(index, via = "") {
  state.cursor = index
  reveal(index)
  redraw()
  say(`${nodes[index].label}, ${plural(nodes[index].links.length, "edge")}${via ? `; ${via}` : ""}`)
}

function enter() {
  if (state.cursor === null) return
  if (!isSelected("node", state.cursor)) return select("node", state.cursor)
  const edge = nodes[state.cursor].links.find((link) => edgeShows(edges[link]))
  if (edge !== undefined) select("edge", edge)
}

const onNode = (action) => () => state.cursor !== null && action(state.cursor)
const ACTIONS = {
  Enter: enter, e: onNode(expand), p: onNode(prune), Delete: onNode(prune), o: onNode(only), f: () => fit(),
  "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), u: undo, r: reset, a: showAll,
  "?": () => keysDialog.showModal(), "/": () => search.focus(),
  Escape: () => { select(null); state.cursor = null; redraw() },
}

function reset() {
  remember()
  state.shown = new Set(first)
  state.off = new Set()
  state.selected = null
  state.cursor = null
  changed("shown")
  fit()
}

function showAll() {
  remember()
  state.shown = new Set(nodes.map((node) => node.index))
  state.off = new Set()
  changed("shown")
  fit()
}

document.addEventListener("keydown", (event) => {
  tip.hidden = true
  if (event.ctrlKey || event.metaKey || event.altKey || keysDialog.open) return
  const inGraph = element.contains(document.activeElement) || document.activeElement === document.body
  const inField = event.target instanceof HTMLInputElement
  if (inField) return
  if (event.key in DIRECTIONS && inGraph) {
    event.preventDefault()
    if (event.shiftKey) move(...DIRECTIONS[event.key])
    else walk(DIRECTIONS[event.key])
    return
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  // Enter and Delete belong to a focused button; the letters work everywhere.
  if (!(key in ACTIONS) || (!inGraph && (key === "Enter" || key === "Delete"))) return
  event.preventDefault()
  ACTIONS[key]()
})
