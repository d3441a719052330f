// The legend: a button per relation that hides or shows its edges, the roles of nodes, and how much is shown.

const legend = document.getElementById("relations")

function drawLegend() {
  const shown = new Array(relations.length).fill(0)
  for (const edge of edges) if (state.shown.has(edge.source) && state.shown.has(edge.target)) shown[edge.relation]++
  const kept = legend.contains(document.activeElement) ? document.activeElement.dataset.relation : null
  legend.replaceChildren(...relations.map((relation, index) => {
    const count = shown[index] === relation.count ? number(relation.count) : `${number(shown[index])} of ${number(relation.count)}`
    return make("button", {
      "aria-pressed": String(!state.off.has(index)), "data-relation": index, title: `${relation.name}: ${relation.words}`,
      onclick: () => toggle(index), ondblclick: () => alone(index),
    }, swatch(index), make("span", { className: "name", textContent: relation.name, dir: "auto" }), make("span", { className: "n", textContent: count }))
  }))
  if (kept !== null) legend.querySelector(`[data-relation="${kept}"]`)?.focus()
  drawRoles()
  const visible = shownEdges().length
  document.getElementById("count").textContent =
    `Showing ${number(state.shown.size)} of ${plural(nodes.length, "node")} and ${number(visible)} of ${plural(edges.length, "edge")}`
  document.getElementById("undo").disabled = !past.length
  document.getElementById("all").disabled = state.shown.size === nodes.length && !state.off.size
  document.getElementById("every").hidden = !state.off.size
}

function toggle(relation) {
  const off = new Set(state.off)
  if (!off.delete(relation)) off.add(relation)
  setOff(off)
}

function alone(relation) {
  setOff(new Set(relations.map((_, index) => index).filter((index) => index !== relation)))
}

function drawRoles() {
  const rows = Object.entries(ROLE_NAMES).map(([role, meaning]) => [role, meaning, [...state.shown].filter((index) => nodes[index].role === role).length, nodes.filter((node) => node.role === role).length])
  const more = nodesWithMore().size
  document.getElementById("roles").replaceChildren(
    ...rows.filter(([, , , all]) => all).map(([role, meaning, shown, all]) => make("li", {}, make("span", { className: `dot ${role}` }), meaning, make("span", { className: "n", textContent: shown === all ? number(all) : `${number(shown)} of ${number(all)}` }))),
    ...(more ? [make("li", {}, make("span", { className: "dot more" }), "has hidden neighbours", make("span", { className: "n", textContent: number(more) }))] : []))
}
