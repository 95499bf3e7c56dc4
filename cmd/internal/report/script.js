document.querySelectorAll("svg.chart").forEach(s => {
  const [x1, y0, y1] = s.dataset.a.split(" ").map(Number), L = 54, R = 308, T = 10, B = 166;
  const lines = [...s.querySelectorAll("polyline")].filter(p => p.getAttribute("points"))
    .map(p => [p.dataset.n, p.getAttribute("points").split(" ").map(q => q.split(",").map(Number))]);
  const xs = [...new Set(lines.flatMap(l => l[1].map(p => p[0])))].sort((a, b) => a - b);
  if (!xs.length) return;
  const out = document.createElement("output"), hair = document.createElementNS(s.namespaceURI, "path");
  hair.setAttribute("class", "hair");
  s.append(hair);
  s.after(out);
  s.tabIndex = 0;
  let at = -1;
  const show = k => {
    at = Math.max(0, Math.min(xs.length - 1, k));
    const x = xs[at], near = l => l[1].reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);
    const step = v => Math.round((v - L) / (R - L) * x1), value = v => (v <= T && y1 < 3 ? "≥ " : "") + Number((y0 + (B - v) / (B - T) * (y1 - y0)).toPrecision(3));
    hair.setAttribute("d", "M" + x + " " + T + "V" + B);
    out.textContent = s.dataset.x + " " + step(x) + ": " + lines.map(l => { const p = near(l); return l[0] + " " + value(p[1]) + (step(p[0]) == step(x) ? "" : " (at " + step(p[0]) + ")"); }).join(", ");
  };
  s.addEventListener("pointermove", e => {
    const r = s.getBoundingClientRect(), x = (e.clientX - r.left) * 320 / r.width;
    show(xs.reduce((a, b, i) => Math.abs(b - x) < Math.abs(xs[a] - x) ? i : a, 0));
  });
  const hide = () => { at = -1; out.textContent = ""; hair.removeAttribute("d"); };
  s.addEventListener("pointerleave", hide);
  s.addEventListener("blur", hide);
  s.addEventListener("keydown", e => {
    const k = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: xs.length }[e.key];
    if (e.key == "Escape") hide();
    if (k === undefined) return;
    e.preventDefault();
    show(k);
  });
});
document.querySelectorAll("button.copy").forEach(b => {
  b.hidden = false;
  b.addEventListener("click", () => navigator.clipboard.writeText(b.nextElementSibling.textContent).then(() => b.textContent = "copied"));
});
