/** The author's pages, filled: they keep the rules, and what others wrote stays text. */
import { expect, test } from "@playwright/test";
import { complaints, looks } from "./page";
import { SampleGrid } from "./sampleApi";
import { StaticServer } from "./static";

let grid: SampleGrid;
let server: StaticServer;
test.beforeAll(async () => {
  grid = new SampleGrid(4096);
  server = await StaticServer.start(grid.api);
});
test.afterAll(() => {
  grid.stop();
  return server.stop();
});

const PAGES = [
  { name: "job", path: "/jobs/job-7f3a", ready: "tile is not RGB" },
  { name: "jobs", path: "/jobs", ready: "slides 1–11" },
  { name: "unit", path: "/jobs/job-7f3a/units/1/181", ready: "412 nuclei" },
  { name: "projects", path: "/projects", ready: "Sweeps" },
  { name: "modules", path: "/modules", ready: "primes.wasm" },
  { name: "submit", path: `/submit?module=${"c".repeat(64)}`, ready: "run, split, merge" },
  { name: "credits", path: "/credits", ready: "Older|Statement" },
];

for (const { name, path, ready } of PAGES) {
  test(`${name} keeps the rules`, async ({ page }) => {
    const words = complaints(page);
    await page.goto(server.url + path);
    await expect(page.getByText(new RegExp(ready)).first()).toBeVisible();
    await looks(page, name);
    expect(words).toEqual([]);
    await expect(page).toHaveTitle(/ · Fallow$/);
    expect(await page.locator("main script, main img[src='x']").count()).toBe(0);
  });
}
