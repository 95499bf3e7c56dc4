// Looks at pages of contig-gpu in Chromium, light and dark, at 1280 and 400 px: nothing is asked for from outside, no error, no sideways scrolling, axe-core without
// serious findings; the script tells values under the pointer and the arrow keys, under the page's own policy, and without a script nothing is missing.
//   check_report.mjs CHROMIUM MODULES [--shots FOLDER] PAGE...
import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { resolve, basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const [chromium, modules, ...rest] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const shots = rest[0] === "--shots" ? rest.splice(0, 2)[1] : "";
if (shots) mkdirSync(shots, { recursive: true });
let failed = 0;
const complain = text => { failed++; console.log("  WRONG: " + text); };

// opened is a page with what it complains of and asks for.
async function opened(browser, url, { width, scheme, script = true, policy = true }) {
  const page = await browser.newPage();
  page.on("pageerror", e => complain("script: " + e.message));
  page.on("console", m => { if (m.type() === "error") complain("console: " + m.text()); });
  page.on("request", r => { if (r.url() !== url && !r.url().startsWith("data:")) complain("asks for " + r.url()); });
  await page.setViewport({ width, height: 900 });
  await page.setJavaScriptEnabled(script);
  await page.setBypassCSP(!policy);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(url, { waitUntil: "load" });
  return page;
}

const shown = page => page.evaluate(() => [...document.querySelectorAll("main section")].map(s => [s.id, s.innerText.trim().length, s.querySelectorAll("svg").length]));

// values moves the pointer and the keys over a chart.
async function values(page) {
  const chart = await page.$("svg.chart");
  if (!chart) return "no chart";
  await chart.evaluate(c => c.scrollIntoView({ block: "center", behavior: "instant" }));
  const box = await chart.boundingBox(), text = () => chart.evaluate(c => c.nextElementSibling?.textContent ?? "no output");
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
  const middle = await text();
  await page.mouse.move(box.x + box.width * 0.97, box.y + box.height * 0.5);
  const end = await text();
  await page.mouse.move(1, 1);
  const left = await text();
  await chart.evaluate(c => c.focus());
  await page.keyboard.press("End");
  const last = await text();
  await page.keyboard.press("ArrowLeft");
  const before = await text();
  await page.keyboard.press("Escape");
  const gone = await text();
  const said = /^[^:]+ [\d.]+: .+ (≥ )?-?[\d.e-]+/;
  if (!said.test(middle) || !said.test(last) || !said.test(end) || left !== "" || gone !== "") complain(`values: "${middle}", "${end}", "${left}", "${last}", "${before}", "${gone}"`);
  if (last === before && (await chart.evaluate(c => c.querySelector("polyline").getAttribute("points").split(" ").length)) > 1) complain(`keys: "${last}" and before it "${before}"`);
  return middle;
}

const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"] });
for (const file of rest) {
  const url = pathToFileURL(resolve(file)).href, name = basename(file, ".html");
  console.log(file);
  let whole;
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 400]) {
      const page = await opened(browser, url, { width, scheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) complain(`${wide} px wide at ${width}`);
      if (width === 1280 && scheme === "light") { whole = await shown(page); console.log("  " + await values(page)); }
      if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
      await page.close();
      const look = await opened(browser, url, { width, scheme, policy: false });
      await look.evaluate(() => document.querySelectorAll("details").forEach(d => { d.open = true; }));
      await look.evaluate(axe);
      const found = await look.evaluate(async () => { const r = await axe.run(); return { passes: r.passes.length, bad: r.violations.map(v => [v.impact, v.id, v.nodes[0].html.slice(0, 150)]) }; });
      for (const v of found.bad) if (["serious", "critical"].includes(v[0])) complain("axe: " + v.join(", "));
      console.log(`  ${width} px, ${scheme}: axe ${found.passes} passed, ${found.bad.length} minor or moderate`);
      await look.close();
    }
  }
  const bare = await opened(browser, url, { width: 1280, scheme: "light", script: false });
  const without = await shown(bare);
  if (JSON.stringify(whole.map(s => [s[0], s[2]])) !== JSON.stringify(without.map(s => [s[0], s[2]]))) complain(`without a script: ${JSON.stringify(without)}, with it ${JSON.stringify(whole)}`);
  const pdf = await bare.pdf({ format: "A4" });
  if (shots) (await import("node:fs")).writeFileSync(join(shots, name + ".pdf"), pdf);
  await bare.close();
}
await browser.close();
console.log(failed ? `${failed} complaints` : "no complaint");
process.exit(failed ? 1 : 0);
