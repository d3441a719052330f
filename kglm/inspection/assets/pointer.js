// Mouse and touch: what lies under the pointer, its tip, a click selects, a double-click expands.

const tip = document.getElementById("tip")

function under(event) {
  const frame = element.getBoundingClientRect()
  const [px, py] = [event.clientX - frame.left, event.clientY - frame.top]
  const at = scale()
  let best = null
  let nearest = Infinity
  for (const index of state.shown) {
    const distance = Math.hypot(at.x(nodes[index].x) - px, at.y(nodes[index].y) - py) - radius(nodes[index], at.unit)
    if (distance < 5 && distance < nearest) [best, nearest] = [{ kind: "node", index }, distance]
  }
  if (best) return best
  nearest = 6
  for (const { edge, curve } of drawn) {
    let [lx, ly] = [at.x(curve[0]), at.y(curve[1])]
    for (let step = 1; step <= 12; step++) {
      const [x, y] = pointOn(curve, step / 12)
      const [sx, sy] = [at.x(x), at.y(y)]
      const distance = toSegment(px, py, lx, ly, sx, sy)
      if (distance < nearest) [best, nearest] = [{ kind: "edge", index: edge.index }, distance]
      lx = sx
      ly = sy
    }
  }
  return best
}

function toSegment(px, py, ax, ay, bx, by) {
  const [dx, dy] = [bx - ax, by - ay]
  const t = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)))
  return Math.hypot(px - ax - t * dx, py - ay - t * dy)
}

let pressed = null
element.addEventListener("pointerdown", (event) => {
  pressed = [event.clientX, event.clientY]
  tip.hidden = true
}, true)
element.addEventListener("click", (event) => {
  if (pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 5) return
  element.focus({ preventScroll: true })
  const hit = under(event)
  if (hit) select(hit.kind, hit.index)
  else select(null)
})
element.addEventListener("dblclick", (event) => {
  const hit = under(event)
  if (hit?.kind === "node") expand(hit.index)
})
let hover = false
element.addEventListener("pointermove", (event) => {
  if (hover || event.buttons) return
  hover = true
  requestAnimationFrame(() => {
    hover = false
    const hit = under(event)
    element.style.cursor = hit ? "pointer" : "grab"
    tip.hidden = !hit
    if (!hit) return
    const frame = element.getBoundingClientRect()
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top]
    tip.textContent = hit.kind === "edge" ? sentenceOf(edges[hit.index]) : tipOfNode(nodes[hit.index])
    tip.style.left = `${Math.max(4, Math.min(x + 14, frame.width - tip.offsetWidth - 8))}px`
    tip.style.top = `${y + 18 + tip.offsetHeight > frame.height ? y - tip.offsetHeight - 10 : y + 18}px`
  })
})
element.addEventListener("pointerleave", () => { tip.hidden = true })

function tipOfNode(node) {
  const about = node.description ? `: ${shorten(node.description, 120)}` : ""
  return `${node.label}${about} (${plural(node.links.length, "edge")})`
}
