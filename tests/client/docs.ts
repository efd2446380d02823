// The page at /docs in a real browser: node build/docs.js ADDRESS [SCREENSHOT]
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [address = "", screenshot] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run"],
});
const page = await browser.newPage({ viewport: { width: 1200, height: 1400 } });
const complaints: string[] = [];
const strangers: string[] = [];
page.on("console", (said) => said.type() === "error" && complaints.push(said.text()));
page.on("pageerror", (error) => complaints.push(error.message));
page.on("request", (asked) => {
  if (!/^(data:|blob:)/.test(asked.url()) && !asked.url().startsWith(address)) strangers.push(asked.url());
});

await page.goto(`${address}/docs`);
const operation = page.locator("#operations-Products-listProducts");
await operation.waitFor();
const count = await page.locator(".opblock").count();
const described = await (await fetch(`${address}/openapi.json`)).json();
const methods = Object.values<object>(described.paths).flatMap((item) => Object.keys(item));
assert.equal(count, methods.length, "not every operation is on the page");

await operation.locator(".opblock-summary-control").click();
await operation.locator(".execute").click();
const answer = operation.locator(".live-responses-table .response .highlight-code");
await answer.waitFor();
assert.match(await answer.innerText(), /"items"/);
if (screenshot !== undefined) await page.screenshot({ path: screenshot });

assert.deepEqual(complaints, []);
assert.deepEqual(strangers, []);
await browser.close();
console.log(`${count} operations are shown, and one was tried`);
