// Puts the page together.

function setTheme() {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches
  document.documentElement.dataset.theme = dark ? "dark" : "light"
  document.getElementById("theme").textContent = dark ? "Light" : "Dark"
  readColors()
}

function renderAll() {
  describe()
  drawLegend()
  redraw()
}

const buttons = {
  undo, reset, all: showAll, in: () => zoom(0.8), out: () => zoom(1.25), fit: () => fit(), help: () => keysDialog.showModal(),
  every: () => setOff(new Set()),
  theme: () => {
    state.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark"
    setTheme()
    changed("theme")
  },
}
for (const [id, action] of Object.entries(buttons)) document.getElementById(id).addEventListener("click", action)

const within = page.total > nodes.length ? `${plural(page.total, "node")} lie within reach; the page holds ${number(nodes.length)}. ` : ""
document.getElementById("source").textContent = `${within}Graph ${page.graph}, fingerprint ${page.fingerprint.slice(0, 12)}. Drawn with Bokeh ${Bokeh.version}.`

most = Math.max(1, ...nodes.map((node) => (node.role === "other" ? node.links.length : 0)))
let view = null
async function start() {
  readAddress()
  setTheme()
  addGlyphs()
  view = await plotting.show(plot, element)
  fit()
  renderAll()
  onChange(renderAll)
  for (const range of [xRange, yRange]) range.change.connect(redrawMoved)
  let size = [element.clientWidth, element.clientHeight]
  new ResizeObserver(() => {
    const now = [element.clientWidth, element.clientHeight]
    if (now[0] === size[0] && now[1] === size[1]) return
    size = now
    setView((xRange.start + xRange.end) / 2, (yRange.start + yRange.end) / 2, xRange.end - xRange.start)
    redraw()
  }).observe(element)
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { setTheme(); renderAll() })
  window.addEventListener("hashchange", () => { readAddress(); setTheme(); renderAll() })
  document.documentElement.dataset.ready = "true"
}
start()
