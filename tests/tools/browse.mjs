// node browse.mjs BROWSER WIDTH HEIGHT FLAG...: one page in a headless browser, driven by lines of JSON on standard input.
// A line holds a piece of script, which finds `page` (Playwright's) and `problems` in scope; a line with its value, or
// with what went wrong, answers it. The browser ends with the input.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { chromium, firefox } = createRequire(new URL("../../target/playwright/", import.meta.url))("playwright-core");
const [name, width, height, ...args] = process.argv.slice(2);
const executablePath = `/usr/bin/${name}`;
// Firefox as Debian ships it, which speaks WebDriver BiDi; the flags are Chromium's.
const browser = name.startsWith("firefox")
  ? await firefox.launch({ executablePath, channel: "moz-firefox" })
  : await chromium.launch({ executablePath, args });
const unset = { reducedMotion: null, forcedColors: null, contrast: null };
const colorScheme = name.startsWith("firefox") ? null : "light";
const page = await browser.newPage({ viewport: { width: Number(width), height: Number(height) }, colorScheme, ...unset });

// What no page of ours may do in any test: fail, open a dialog, ask another host, lose its styles.
const problems = [];
// What a policy refuses is an error in Firefox and a line on the console in Chromium. Pictures that are switched off are
// refused on purpose, and so is the style element that Playwright puts into a page to take its picture; a letter that
// lost its styles has its style attributes refused.
const isPolicy = (text) => /Content.Security.Policy/.test(text);
const losesStyles = (text) => /\(style-src-attr\)|Applying inline style/.test(text);
page.on("pageerror", (error) => {
  const text = String(error);
  if (!isPolicy(text) || losesStyles(text)) problems.push(text);
});
page.on("dialog", (dialog) => { problems.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
page.on("console", (message) => { if (losesStyles(message.text())) problems.push(message.text()); });
page.on("request", (request) => {
  if (!/^(http:\/\/127\.0\.0\.1:|data:|about:|file:)/.test(request.url())) problems.push(`asked ${request.url()}`);
});

const Script = Object.getPrototypeOf(async () => {}).constructor;
const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");
answer({ value: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const value = await new Script("page", "problems", JSON.parse(line))(page, problems);
    answer({ value: value ?? null });
  } catch (error) {
    answer({ error: String(error.message ?? error) });
  }
}
await browser.close();
