// The panel: what is selected, in words, with every link as a button; without a selection, where to begin.

const details = document.getElementById("details")
const MOST_LINKS = 200
const MOST_REVEALED = 40

function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value
    else made.setAttribute(key, value)
  }
  made.append(...children.filter((child) => child !== null))
  return made
}

function swatch(relation) {
  const space = "http://www.w3.org/2000/svg"
  const svg = document.createElementNS(space, "svg")
  const line = document.createElementNS(space, "line")
  svg.setAttribute("class", "swatch")
  svg.setAttribute("aria-hidden", "true")
  for (const [key, value] of Object.entries({ x1: 0, x2: 22, y1: 5, y2: 5, "stroke-width": 3 })) line.setAttribute(key, value)
  line.setAttribute("stroke", colors.relations[relation])
  line.setAttribute("stroke-dasharray", relations[relation].dash.map((length) => length * 0.8).join(" "))
  svg.append(line)
  return svg
}

function fact(name, value) {
  return value === "" ? [] : [make("dt", { textContent: name }), make("dd", { textContent: value, dir: "auto" })]
}

function expand(index) {
  const hidden = hiddenNeighbors(index)
  const fresh = hidden.slice(0, MOST_REVEALED)
  if (!fresh.length) return say(`${nodes[index].label} has no hidden neighbours on this page`)
  state.selected = { kind: "node", index }
  state.cursor = index
  show(fresh)
  const rest = hidden.length - fresh.length
  say(`${plural(fresh.length, "neighbour")} of ${nodes[index].label} shown${rest ? `, ${number(rest)} still hidden` : ""}`)
}

function prune(index) {
  hide(index)
  say(`${nodes[index].label} hidden`)
}

function only(index) {
  showOnly([index, ...neighborsOf(index)].filter((other) => state.shown.has(other)))
  fit()
}

function describeNode(node) {
  const hidden = hiddenNeighbors(node.index).length
  const here = neighborsOf(node.index).size
  const label = hidden > MOST_REVEALED ? `Expand (${MOST_REVEALED} of ${number(hidden)})` : hidden ? `Expand (${hidden})` : "Expand"
  const links = [...node.links].sort((a, b) => relationRank(a) - relationRank(b) || a - b)
  details.replaceChildren(
    make("p", { className: "kind" }, make("span", { className: `dot ${node.role}` }), ROLE_NAMES[node.role]),
    make("h3", { textContent: node.label, dir: "auto" }),
    ...(node.description ? [make("p", { className: "about", textContent: node.description, dir: "auto" })] : []),
    make("dl", {},
      ...fact("Name", node.name),
      ...fact("Neighbours", `${number(here)} on this page${node.degree > here ? `, ${number(node.degree)} in the graph` : ""}`),
      ...fact("Hidden", hidden ? number(hidden) : ""),
      ...fact("Hops", node.hops ? String(node.hops) : "")),
    make("div", { className: "actions" },
      make("button", { textContent: label, disabled: !hidden, title: "Show hidden neighbours (E)", onclick: () => expand(node.index) }),
      make("button", { textContent: "Prune", title: "Hide this node (P)", onclick: () => prune(node.index) }),
      make("button", { textContent: "Only this", title: "Only this node and its neighbours (O)", onclick: () => only(node.index) })),
    make("h2", { textContent: plural(node.links.length, "triple") }),
    make("ul", { className: "links" }, ...links.slice(0, MOST_LINKS).map((link) => make("li", {}, linkButton(edges[link], node.index)))),
    ...(links.length > MOST_LINKS ? [make("p", { className: "hint", textContent: `The first ${MOST_LINKS} of ${number(links.length)} are listed.` })] : []))
}

function relationRank(link) {
  return state.off.has(edges[link].relation) ? 1e6 : edges[link].relation
}

function linkButton(edge, from) {
  const other = nodes[otherEnd(edge, from)]
  const outward = edge.source === from
  const visible = state.shown.has(other.index) ? "" : " off"
  return make("button", { title: sentenceOf(edge), onclick: () => selectLink(edge) },
    swatch(edge.relation),
    make("span", { className: "rel", textContent: `${outward ? "" : "← "}${relations[edge.relation].words}${outward ? " →" : ""}` }),
    make("span", { className: `name${visible}`, textContent: other.label, dir: "auto" }))
}

// A link to a hidden node shows it, and one of a hidden relation the relation, so that every triple can be reached.
function selectLink(edge) {
  const fresh = [edge.source, edge.target].filter((index) => !state.shown.has(index))
  if (fresh.length) show(fresh)
  if (state.off.has(edge.relation)) setOff(new Set([...state.off].filter((relation) => relation !== edge.relation)))
  select("edge", edge.index)
  details.focus()
}

function nodeButton(index) {
  const node = nodes[index]
  return make("button", { onclick: () => { select("node", index); reveal(index) } },
    make("span", { className: `dot ${node.role}` }), make("span", { className: "name", textContent: node.label, dir: "auto" }))
}

function describeEdge(edge) {
  const beside = edge.fan.filter((other) => other !== edge.index)
  details.replaceChildren(
    make("p", { className: "kind" }, swatch(edge.relation), "triple"),
    make("h3", { textContent: relations[edge.relation].name, dir: "auto" }),
    make("blockquote", { textContent: sentenceOf(edge), dir: "auto" }),
    make("ul", { className: "links" }, make("li", {}, nodeButton(edge.source)), ...(edge.source === edge.target ? [] : [make("li", {}, nodeButton(edge.target))])),
    make("dl", {},
      ...fact("Head", nodes[edge.source].label),
      ...fact("Relation", relations[edge.relation].name),
      ...fact("Tail", nodes[edge.target].label),
      ...fact("Weight", String(edge.weight)),
      ...fact("Source", edge.by || "the graph does not tell")),
    ...(beside.length ? [
      make("h2", { textContent: "Also between these two" }),
      make("ul", { className: "links" }, ...beside.map((other) => make("li", {}, make("button", { onclick: () => selectLink(edges[other]) },
        swatch(edges[other].relation), make("span", { className: "name", textContent: sentenceOf(edges[other]), dir: "auto" }))))),
    ] : []))
}

function describeNothing() {
  const begin = [...state.shown].sort((a, b) => (nodes[a].role === "other") - (nodes[b].role === "other") || nodes[b].links.length - nodes[a].links.length || a - b)
  details.replaceChildren(
    make("h2", { textContent: "Begin with" }),
    make("ul", { className: "links" }, ...begin.slice(0, 8).map((index) => make("li", {}, nodeButton(index)))),
    make("p", { className: "hint", textContent: "Select a node or an edge to read about it. A dashed ring marks nodes with hidden neighbours." }),
    ...(edges.length > MOST_HEADS ? [make("p", { className: "hint", textContent: `Where more than ${number(MOST_HEADS)} edges are in view, only those of the selection have arrowheads.` })] : []))
}

function describe() {
  if (!state.selected) describeNothing()
  else if (state.selected.kind === "node") describeNode(nodes[state.selected.index])
  else describeEdge(edges[state.selected.index])
}

function say(text) {
  document.getElementById("say").textContent = text
}
