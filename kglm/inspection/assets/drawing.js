// The picture: Bokeh draws arcs, arrowheads, nodes and labels from column data; sizes are in pixels whatever the zoom.

const element = document.getElementById("graph")
const plotting = Bokeh.Plotting
const BEND = 0.085
const MOST_HEADS = 2500
const ALPHABET = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', 'Noto Sans', sans-serif"

const xRange = new Bokeh.Range1d({ start: -1, end: 1 })
const yRange = new Bokeh.Range1d({ start: -1, end: 1 })
const pan = new Bokeh.PanTool()
const wheel = new Bokeh.WheelZoomTool({ zoom_on_axis: false })
const plot = plotting.figure({
  sizing_mode: "stretch_both", x_range: xRange, y_range: yRange, tools: [pan, wheel], toolbar_location: null,
  x_axis_type: null, y_axis_type: null, min_border: 0, outline_line_color: null, lod_threshold: null,
})
plot.toolbar.active_scroll = wheel
plot.xgrid.visible = plot.ygrid.visible = false

const sources = {}
for (const name of ["edges", "heads", "halo", "nodes", "more", "names", "labels"]) {
  sources[name] = new Bokeh.ColumnDataSource({ data: {} })
}
const field = (name) => ({ field: name })

function addGlyphs() {
  const line = { line_color: field("color"), line_width: field("width"), line_alpha: field("alpha"), line_dash: field("dash") }
  sources.edges.data = { x0: [], y0: [], x1: [], y1: [], cx0: [], cy0: [], cx1: [], cy1: [], color: [], width: [], alpha: [], dash: [] }
  sources.heads.data = { x: [], y: [], size: [], angle: [], color: [], alpha: [] }
  sources.halo.data = { x: [], y: [], size: [], color: [] }
  sources.more.data = { x: [], y: [], size: [], color: [], alpha: [] }
  sources.nodes.data = { x: [], y: [], size: [], color: [], line: [], alpha: [], marker: [] }
  sources.names.data = sources.labels.data = emptyColumns()
  plot.bezier({
    x0: field("x0"), y0: field("y0"), x1: field("x1"), y1: field("y1"), cx0: field("cx0"), cy0: field("cy0"),
    cx1: field("cx1"), cy1: field("cy1"), ...line, source: sources.edges,
  })
  const at = { x: field("x"), y: field("y"), size: field("size") }
  plot.scatter({
    ...at, marker: "triangle", angle: field("angle"), fill_color: field("color"), fill_alpha: field("alpha"),
    line_color: null, source: sources.heads,
  })
  plot.scatter({ ...at, marker: "circle", fill_color: field("color"), line_color: null, source: sources.halo })
  plot.scatter({
    ...at, marker: "circle", fill_color: null, line_color: field("color"), line_alpha: field("alpha"), line_width: 1.3,
    line_dash: "dotted", source: sources.more,
  })
  plot.scatter({
    ...at, marker: field("marker"), fill_color: field("color"), line_color: field("line"), line_width: 1.2,
    fill_alpha: field("alpha"), line_alpha: field("alpha"), source: sources.nodes,
  })
  for (const name of ["names", "labels"]) {
    const text = {
      x: field("x"), y: field("y"), text: field("text"), text_alpha: field("alpha"), text_font: ALPHABET,
      text_font_size: field("size"), text_font_style: field("style"), text_align: "center", text_baseline: "middle",
      source: sources[name],
    }
    // Bokeh draws an outline over its letters: the ground is drawn first, by itself. A name that stands on its
    // edge needs a plate, as the line would strike through its spaces.
    if (name === "labels") plot.text({ ...text, text_color: field("outline"), text_outline_color: field("outline"), text_outline_width: 4 })
    else plot.rect({ x: field("x"), y: field("y"), width: { field: "width", units: "screen" }, height: { value: 12, units: "screen" }, fill_color: field("outline"), line_color: null, source: sources[name] })
    plot.text({ ...text, text_color: field("color") })
  }
}

let colors = {}
function readColors() {
  const style = getComputedStyle(document.documentElement)
  for (const name of ["ground", "ink", "quiet", "accent", "question", "choice", "seed", "other", "mark"]) {
    colors[name] = style.getPropertyValue(`--${name}`).trim()
  }
  const dark = document.documentElement.dataset.theme === "dark"
  colors.relations = relations.map((relation) => (dark ? relation.dark : relation.light))
  plot.background_fill_color = plot.border_fill_color = colors.ground
}

// How pixels and the layout's units relate now.
function scale() {
  const width = element.clientWidth || 1
  const height = element.clientHeight || 1
  const unit = width / (xRange.end - xRange.start || 1)
  return {
    unit, width, height,
    x: (x) => (x - xRange.start) * unit,
    y: (y) => (yRange.end - y) * unit,
    left: (px) => xRange.start + px / unit,
    top: (px) => yRange.end - px / unit,
  }
}

let fitted = 2
function setView(x, y, span) {
  const ratio = (element.clientHeight || 1) / (element.clientWidth || 1)
  xRange.setv({ start: x - span / 2, end: x + span / 2 })
  yRange.setv({ start: y - (span * ratio) / 2, end: y + (span * ratio) / 2 })
}

function fit(indices = [...state.shown]) {
  if (!indices.length) return
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const index of indices) {
    const { x, y } = nodes[index]
    left = Math.min(left, x); right = Math.max(right, x); low = Math.min(low, y); high = Math.max(high, y)
  }
  const width = Math.max(element.clientWidth, 1)
  const height = Math.max(element.clientHeight, 1)
  // Labels reach beyond their nodes.
  const [across, down] = [1 - Math.min(190, 0.3 * width) / width, 1 - Math.min(110, 0.3 * height) / height]
  const span = Math.max((right - left) / across, ((high - low) * width) / height / down, 2.2)
  fitted = span
  setView((left + right) / 2, (low + high) / 2, span)
}

function zoom(factor) {
  setView((xRange.start + xRange.end) / 2, (yRange.start + yRange.end) / 2, (xRange.end - xRange.start) * factor)
}

function move(right, up) {
  const step = (xRange.end - xRange.start) * 0.12
  setView((xRange.start + xRange.end) / 2 + right * step, (yRange.start + yRange.end) / 2 + up * step, xRange.end - xRange.start)
}

// Bring a node into view without moving more than need be.
function reveal(index) {
  const at = scale()
  const { x, y } = nodes[index]
  const [px, py] = [at.x(x), at.y(y)]
  if (px < 60 || py < 60 || px > at.width - 60 || py > at.height - 60) setView(x, y, xRange.end - xRange.start)
}

let most = 1
let radii = []
function radius(node, unit) {
  return radii[node.index] ?? findRadius(node, unit)
}

function findRadius(node, unit) {
  const crowd = Math.min(1, Math.max(0.5, Math.sqrt(160 / Math.max(1, state.shown.size))))
  const near = Math.min(2, Math.max(1, Math.sqrt((unit * fitted) / Math.max(1, element.clientWidth))))
  if (node.role !== "other") return 10 * Math.max(0.85, crowd) * near
  return (4.2 + 6 * Math.sqrt(node.links.length / most)) * crowd * near
}

// An edge's control points and middle in the layout's units; a fan spreads the edges between the same two nodes.
function arc(edge, fan, unit) {
  const from = nodes[edge.source]
  const to = nodes[edge.target]
  if (from === to) {
    const size = (26 + 9 * fan.indexOf(edge.index)) / unit
    return [from.x, from.y, from.x + size * 1.5, from.y + size * 0.3, from.x - size * 0.1, from.y + size * 1.6, to.x, to.y]
  }
  const place = fan.indexOf(edge.index) - (fan.length - 1) / 2
  const length = Math.hypot(to.x - from.x, to.y - from.y) * unit
  const step = Math.min(BEND, 0.32 / Math.max(1, fan.length - 1), 20 / Math.max(1, length))
  // Seen from the lower index, so that opposite edges do not fall on each other.
  const side = edge.source < edge.target ? 1 : -1
  const bend = (fan.length === 1 ? 0.0 : place * step * 2) * side
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const [mx, my] = [(from.x + to.x) / 2 - dy * bend, (from.y + to.y) / 2 + dx * bend]
  return [from.x, from.y, (from.x + 2 * mx) / 3, (from.y + 2 * my) / 3, (to.x + 2 * mx) / 3, (to.y + 2 * my) / 3, to.x, to.y]
}

function pointOn([x0, y0, x1, y1, x2, y2, x3, y3], t) {
  const [a, b, c, d] = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3]
  return [a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3]
}

// Where an arc enters its target's dot: by bisection, as distances grow along the last part of an arc.
function tipOf(curve, target, reach) {
  let [low, high] = [0.4, 1]
  for (let step = 0; step < 14; step++) {
    const t = (low + high) / 2
    const [x, y] = pointOn(curve, t)
    if (Math.hypot(x - target.x, y - target.y) > reach) low = t
    else high = t
  }
  return low
}

// The selection and what it touches stand out; null where nothing is selected.
function emphasis() {
  if (!state.selected) return null
  if (state.selected.kind === "edge") {
    const edge = edges[state.selected.index]
    return { nodes: new Set([edge.source, edge.target]), edges: new Set([edge.index]) }
  }
  const links = nodes[state.selected.index].links.filter((link) => edgeShows(edges[link]))
  const near = new Set([state.selected.index])
  for (const link of links) near.add(edges[link].source).add(edges[link].target)
  return { nodes: near, edges: new Set(links) }
}

let drawn = []
let waiting = false
let cost = 0
function redraw() {
  if (waiting) return
  waiting = true
  requestAnimationFrame(() => {
    waiting = false
    const start = performance.now()
    draw()
    cost = performance.now() - start
  })
}

// While the picture moves, Bokeh moves what is drawn; what takes long to draw anew waits until it rests.
let resting = null
function redrawMoved() {
  clearTimeout(resting)
  if (cost < 25) redraw()
  else resting = setTimeout(redraw, 150)
}

// Edges far outside what is in view need no drawing.
function inReach(at) {
  const [left, right, low, high] = [at.left(-0.3 * at.width), at.left(1.3 * at.width), at.top(1.3 * at.height), at.top(-0.3 * at.height)]
  return (edge) => {
    const from = nodes[edge.source]
    const to = nodes[edge.target]
    return !((from.x < left && to.x < left) || (from.x > right && to.x > right) || (from.y < low && to.y < low) || (from.y > high && to.y > high))
  }
}

function draw() {
  const at = scale()
  radii = []
  radii = nodes.map((node) => findRadius(node, at.unit))
  const strong = emphasis()
  const shown = shownEdges().filter(inReach(at))
  const allHeads = shown.length <= MOST_HEADS
  const inFans = new Map()
  for (const edge of shown) {
    if (!inFans.has(edge.fan)) inFans.set(edge.fan, [])
    inFans.get(edge.fan).push(edge.index)
  }
  const crowd = Math.min(1, Math.max(0.22, 420 / Math.max(1, shown.length)))
  const columns = { edges: {}, heads: {} }
  for (const key of Object.keys(sources.edges.data)) columns.edges[key] = []
  for (const key of Object.keys(sources.heads.data)) columns.heads[key] = []
  const headSize = Math.max(5, 9 * Math.sqrt(crowd))
  // Those that stand out are drawn last, over the others.
  if (strong) shown.sort((a, b) => strong.edges.has(a.index) - strong.edges.has(b.index))
  drawn = shown.map((edge) => {
    const curve = arc(edge, inFans.get(edge.fan), at.unit)
    const color = colors.relations[edge.relation]
    const out = strong?.edges.has(edge.index)
    const alpha = strong ? (out ? 1 : 0.09) : 0.35 + 0.6 * crowd
    const columnsOf = columns.edges
    for (const [position, key] of ["x0", "y0", "cx0", "cy0", "cx1", "cy1", "x1", "y1"].entries()) columnsOf[key].push(curve[position])
    columnsOf.color.push(color)
    columnsOf.width.push(out && state.selected.kind === "edge" ? 3.5 : out ? 1.9 : 0.7 + 0.8 * crowd)
    columnsOf.alpha.push(alpha)
    columnsOf.dash.push(relations[edge.relation].dash)
    if (!allHeads && !out) return { edge, curve }
    const target = nodes[edge.target]
    const size = out ? 10 : headSize
    const t = tipOf(curve, target, (radius(target, at.unit) + 1.5 + size * 0.5) / at.unit)
    const [x, y] = pointOn(curve, t)
    const [bx, by] = pointOn(curve, Math.max(0, t - 0.03))
    columns.heads.x.push(x); columns.heads.y.push(y); columns.heads.size.push(size)
    columns.heads.angle.push(Math.atan2(y - by, x - bx) - Math.PI / 2)
    columns.heads.color.push(color); columns.heads.alpha.push(alpha)
    return { edge, curve }
  })
  sources.edges.data = columns.edges
  sources.heads.data = columns.heads
  drawNodes(at, strong)
  drawLabels(at, strong)
}

function drawNodes(at, strong) {
  const order = [...state.shown].sort((a, b) => b - a)
  const column = (value) => order.map((index) => value(nodes[index]))
  const faint = (node) => (strong && !strong.nodes.has(node.index) ? 0.22 : 1)
  const place = { x: column((node) => node.x), y: column((node) => node.y) }
  sources.nodes.data = {
    ...place,
    size: column((node) => 2 * radius(node, at.unit)),
    color: column((node) => colors[node.role]),
    line: column(() => colors.ground),
    alpha: column(faint),
    marker: column((node) => (node.role === "choice" ? "square" : "circle")),
  }
  const hiding = nodesWithMore()
  const more = order.filter((index) => hiding.has(index))
  sources.more.data = {
    x: more.map((index) => nodes[index].x), y: more.map((index) => nodes[index].y),
    size: more.map((index) => 2 * radius(nodes[index], at.unit) + 6),
    color: more.map(() => colors.quiet), alpha: more.map((index) => faint(nodes[index])),
  }
  const rings = []
  if (state.cursor !== null && state.shown.has(state.cursor)) rings.push([state.cursor, colors.mark])
  if (state.selected?.kind === "edge") {
    const edge = edges[state.selected.index]
    rings.push([edge.source, colors.mark], [edge.target, colors.mark])
  }
  sources.halo.data = {
    x: rings.map(([index]) => nodes[index].x), y: rings.map(([index]) => nodes[index].y),
    size: rings.map(([index]) => 2 * radius(nodes[index], at.unit) + 9), color: rings.map(([, color]) => color),
  }
}
