// node browse.mjs WIDTH HEIGHT FLAG...: one page in a headless browser, driven by lines of JSON on standard input.
// A line holds a piece of script, which finds `page` (Playwright's) and `trouble` in scope; a line with its value, or
// with what went wrong, answers it. The browser ends with the input.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { chromium } = createRequire(new URL("../../target/playwright/", import.meta.url))("playwright-core");
const [width, height, ...args] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell", args });
const page = await browser.newPage({ viewport: { width: Number(width), height: Number(height) }, colorScheme: "light" });

// What no page of ours may do, whatever a story looks for: fail, say a word by itself, ask another host.
const trouble = [];
page.on("pageerror", (error) => trouble.push(String(error)));
page.on("dialog", (dialog) => { trouble.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
page.on("request", (request) => {
  if (!/^(http:\/\/127\.0\.0\.1:|data:|about:|file:)/.test(request.url())) trouble.push(`asked ${request.url()}`);
});

const Script = Object.getPrototypeOf(async () => {}).constructor;
const answer = (told) => process.stdout.write(JSON.stringify(told) + "\n");
answer({ value: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const value = await new Script("page", "trouble", JSON.parse(line))(page, trouble);
    answer({ value: value ?? null });
  } catch (error) {
    answer({ error: String(error.message ?? error) });
  }
}
await browser.close();
