// What is shown, as a file: a picture in PNG or SVG, or GraphML with all that the page knows.

const stem = shorten(page.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "graph", 60)

function save(blob, ending) {
  const address = URL.createObjectURL(blob)
  make("a", { href: address, download: `${stem}.${ending}` }).click()
  setTimeout(() => URL.revokeObjectURL(address), 10000)
}

async function savePicture(kind) {
  save(await view.export(kind).to_blob(), kind)
}

// XML 1.0 has no control characters but tab, line feed and carriage return, and no lone surrogates.
function xml(text) {
  return String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "\ufffd")
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")
}

function graphml() {
  const keys = [["node", "name"], ["node", "label"], ["node", "role"], ["node", "description"], ["edge", "relation"], ["edge", "weight"], ["edge", "source"]]
  const type = (name) => (name === "weight" ? "double" : "string")
  const data = (owner, name, value) => (value === "" ? "" : `<data key="${owner}-${name}">${xml(value)}</data>`)
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
  for (const [owner, name] of keys) lines.push(`<key id="${owner}-${name}" for="${owner}" attr.name="${name}" attr.type="${type(name)}"/>`)
  lines.push('<graph edgedefault="directed">')
  for (const index of [...state.shown].sort((a, b) => a - b)) {
    const node = nodes[index]
    lines.push(`<node id="n${index}">${["name", "label", "role", "description"].map((name) => data("node", name, node[name])).join("")}</node>`)
  }
  for (const edge of shownEdges()) {
    const values = { relation: relations[edge.relation].name, weight: edge.weight, source: edge.by }
    lines.push(`<edge source="n${edge.source}" target="n${edge.target}">${Object.entries(values).map(([name, value]) => data("edge", name, value)).join("")}</edge>`)
  }
  return [...lines, "</graph>", "</graphml>", ""].join("\n")
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href)
    say("Link copied")
  } catch {
    window.prompt("The link to this view", location.href)
  }
}

const menu = document.getElementById("export")
for (const button of menu.querySelectorAll("button")) {
  button.addEventListener("click", () => {
    menu.open = false
    const format = button.dataset.format
    if (format === "graphml") save(new Blob([graphml()], { type: "application/xml" }), "graphml")
    else if (format === "link") copyLink()
    else savePicture(format)
  })
}
document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) menu.open = false
})
