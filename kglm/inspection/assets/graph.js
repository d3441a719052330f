// The graph of the page: nodes and edges as they came, who is linked with whom, and sentences of triples.

const page = JSON.parse(document.getElementById("data").textContent)
const nodes = page.nodes
const edges = page.edges
const relations = page.relations
const ROLE_NAMES = page.roles

for (const [index, node] of nodes.entries()) {
  node.index = index
  node.links = []
}
const fans = new Map()
for (const [index, edge] of edges.entries()) {
  edge.index = index
  nodes[edge.source].links.push(index)
  if (edge.source !== edge.target) nodes[edge.target].links.push(index)
  const key = edge.source < edge.target ? `${edge.source} ${edge.target}` : `${edge.target} ${edge.source}`
  if (!fans.has(key)) fans.set(key, [])
  edge.fan = fans.get(key)
  edge.fan.push(index)
}

function otherEnd(edge, node) {
  return edge.source === node ? edge.target : edge.source
}

function neighborsOf(index) {
  const found = new Set()
  for (const link of nodes[index].links) found.add(otherEnd(edges[link], index))
  found.delete(index)
  return found
}

// A relation's template holds the marks \u0001 and \u0002 where its head and its tail stand, so that no label
// can be taken for a place.
function sentenceOf(edge) {
  const parts = relations[edge.relation].template.split(/([\u0001\u0002])/)
  return parts
    .map((part) => (part === "\u0001" ? nodes[edge.source].label : part === "\u0002" ? nodes[edge.target].label : part))
    .join("")
}

function number(value) {
  return value.toLocaleString("en")
}

function plural(count, word) {
  return `${number(count)} ${word}${count === 1 ? "" : "s"}`
}
