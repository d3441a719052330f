// Which labels stand where: the most important first, none over another; the rest come with zooming in.

const MOST_EDGE_NAMES = 90
const pen = document.createElement("canvas").getContext("2d")
const widths = new Map()

function textWidth(text, size, bold) {
  const key = `${size}${bold}${text}`
  if (!widths.has(key)) {
    pen.font = `${bold ? "bold " : ""}${size}px ${ALPHABET}`
    widths.set(key, pen.measureText(text).width)
  }
  return widths.get(key)
}

function shorten(text, most) {
  const characters = [...text]
  return characters.length > most ? `${characters.slice(0, most - 1).join("").trimEnd()}…` : text
}

// Rectangles that stand already, in a grid of square cells.
class Taken {
  constructor() {
    this.cells = new Map()
  }

  *keys([left, top, right, bottom]) {
    for (let x = Math.floor(left / 64); x <= Math.floor(right / 64); x++) {
      for (let y = Math.floor(top / 64); y <= Math.floor(bottom / 64); y++) yield x * 65536 + y
    }
  }

  isFree(box) {
    for (const key of this.keys(box)) {
      for (const other of this.cells.get(key) ?? []) {
        if (box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]) return false
      }
    }
    return true
  }

  take(box) {
    for (const key of this.keys(box)) {
      if (!this.cells.has(key)) this.cells.set(key, [])
      this.cells.get(key).push(box)
    }
  }
}

function importance(strong) {
  const rank = (index) => {
    const node = nodes[index]
    if (index === state.cursor) return 4e9
    return (strong?.nodes.has(index) ? 2e9 : 0) + (node.role === "other" ? 0 : 1e9) + node.links.length * 1e4 - index
  }
  return [...state.shown].map((index) => [rank(index), index]).sort((a, b) => b[0] - a[0]).map(([, index]) => index)
}

function emptyColumns() {
  return { x: [], y: [], text: [], color: [], outline: [], size: [], style: [], alpha: [], width: [] }
}

function write(columns, at, x, y, text, color, size, bold, alpha) {
  columns.x.push(at.left(x)); columns.y.push(at.top(y)); columns.text.push(text); columns.color.push(color)
  columns.outline.push(colors.ground); columns.size.push(`${size}px`); columns.style.push(bold ? "bold" : "normal")
  columns.alpha.push(alpha); columns.width.push(textWidth(text, size, bold) + 4)
}

function drawLabels(at, strong) {
  const taken = new Taken()
  const labels = emptyColumns()
  const order = importance(strong)
  for (const index of order) {
    const r = radius(nodes[index], at.unit)
    const [x, y] = [at.x(nodes[index].x), at.y(nodes[index].y)]
    if (r > 3.5) taken.take([x - r, y - r, x + r, y + r])
  }
  for (const index of order) {
    const node = nodes[index]
    const [x, y] = [at.x(node.x), at.y(node.y)]
    if (x < -80 || y < -20 || x > at.width + 80 || y > at.height + 20) continue
    if (strong && !strong.nodes.has(index) && strong.nodes.size > 12) continue
    const asked = node.role !== "other" || index === state.cursor
    const size = asked ? 14 : 12
    const text = shorten(node.label, 34)
    const half = textWidth(text, size, asked) / 2 + 2
    const r = radius(node, at.unit)
    const [across, down] = [r + half + 2, r + size * 0.62]
    const places = [[0, down], [across, 0], [-across, 0], [0, -down], [across * 0.8, -down * 0.9], [-across * 0.8, -down * 0.9], [across * 0.8, down * 0.9], [-across * 0.8, down * 0.9]]
    for (const [dx, dy] of places) {
      const box = [x + dx - half, y + dy - size * 0.62, x + dx + half, y + dy + size * 0.62]
      if (index !== state.cursor && !taken.isFree(box)) continue
      taken.take(box)
      const color = node.role === "other" ? colors.ink : colors[node.role]
      write(labels, at, x + dx, y + dy, text, color, size, asked, strong && !strong.nodes.has(index) ? 0.45 : 1)
      break
    }
  }
  sources.labels.data = labels
  nameEdges(at, strong, taken)
}

// Relations are written on edges where these are few: on all, or on those of the selection.
function nameEdges(at, strong, taken) {
  const names = emptyColumns()
  const wanted = drawn.filter(({ edge }) => (strong ? strong.edges.has(edge.index) : true))
  if (wanted.length <= MOST_EDGE_NAMES) {
    for (const { edge, curve } of wanted) {
      const relation = relations[edge.relation]
      const text = shorten(relation.words, 26)
      const half = textWidth(text, 11, false) / 2 + 2
      for (const t of [0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75]) {
        const [px, py] = pointOn(curve, t)
        const [x, y] = [at.x(px), at.y(py)]
        const box = [x - half, y - 7, x + half, y + 7]
        if (!isSelected("edge", edge.index) && !taken.isFree(box)) continue
        taken.take(box)
        write(names, at, x, y, text, colors.relations[edge.relation], 11, false, 1)
        break
      }
    }
  }
  sources.names.data = names
}
