// node blocks.mjs MIMEO: the pictures of docs/blocks.md, one for each of its blocks. Each becomes an issue of its own, and the
// letter's part above the footer is what is shown.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createRequire } from "node:module";

const root = resolve(import.meta.dirname, "../..");
const { chromium } = createRequire(join(root, "target/playwright/"))("playwright-core");
const mimeo = resolve(process.argv[2] ?? join(root, "target/release/mimeo"));
const page = readFileSync(join(root, "docs/blocks.md"), "utf8");
const blocks = [...page.matchAll(/\]\(pictures\/blocks\/([a-z]+)\.png\)\n\n(`{3,})markdown\n([\s\S]*?)\n\2\n/g)];

const work = mkdtempSync(join(tmpdir(), "mimeo-blocks-"));
mkdirSync(join(work, "issues/pictures"), { recursive: true });
mkdirSync(join(work, "templates"));
mkdirSync(join(root, "docs/pictures/blocks"), { recursive: true });
const pictures = join(root, "tests/fixtures/kitchen-sink/pictures");
for (const name of readdirSync(pictures).filter((name) => name.endsWith(".png"))) {
  copyFileSync(join(pictures, name), join(work, "issues/pictures", name));
}
writeFileSync(join(work, "mimeo.toml"), `[newsletter]\nname = "Small Steps"\ntemplate = "blocks"\n\n[sender]\nfrom = "Ada Example <ada@example.org>"\n`);
const essay = readFileSync(join(root, "templates/essay.mjml"), "utf8");
const design = essay.match(/<!-- mimeo:design[\s\S]*?-->/)[0];
const head = essay.match(/<mj-head>[\s\S]*?<\/mj-head>/)[0];
const width = essay.match(/<mj-body[^>]*>/)[0];
writeFileSync(join(work, "templates/blocks.mjml"), `${design}\n<mjml lang="en">${head}${width}
<mj-section padding="12px 0px 0px"><mj-column><mj-spacer height="1px" /></mj-column></mj-section>
<!-- mimeo:content -->
<mj-section css-class="end" padding="40px 0px"><mj-column><mj-text><a href="{{ link.unsubscribe }}">{{ words.unsubscribe }}</a> {{ words.why }} {{ newsletter.postal_address }}</mj-text></mj-column></mj-section>
</mj-body></mjml>\n`);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--font-render-hinting=none", "--force-color-profile=srgb"] });
const tab = await browser.newPage({ viewport: { width: 640, height: 900 }, colorScheme: "light" });
for (const [, name, , source] of blocks) {
  writeFileSync(join(work, "issues/one.md"), `---\ntitle: One\npreheader: "-"\nnumber: 1\n---\n\n${source}\n`);
  execFileSync(mimeo, ["-q", "build", "one", "-o", "out"], { cwd: work, stdio: ["ignore", "inherit", "inherit"] });
  const html = readdirSync(join(work, "out"), { recursive: true }).find((file) => file.endsWith(".html"));
  await tab.goto(`file://${join(work, "out", html)}`);
  const bottom = await tab.evaluate(() => document.querySelector(".end").getBoundingClientRect().top);
  const clip = { x: 0, y: 0, width: 640, height: Math.max(40, Math.ceil(bottom) + 8) };
  await tab.screenshot({ path: join(root, `docs/pictures/blocks/${name}.png`), clip, fullPage: true });
  rmSync(join(work, "out"), { recursive: true });
}
await browser.close();
rmSync(work, { recursive: true });
console.log(`${blocks.length} pictures in docs/pictures/blocks`);
