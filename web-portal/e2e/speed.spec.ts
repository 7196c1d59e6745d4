/** A job of a million units, followed at twenty updates a second. Figures are printed; bars are generous to slow machines. */
import { expect, test } from "@playwright/test";
import { SampleGrid } from "./sampleApi";
import { StaticServer } from "./static";

const UNITS = 1_000_000;

test("a million units draw, stay current and scroll", async ({ page }) => {
  const grid = new SampleGrid(UNITS);
  const server = await StaticServer.start(grid.api);
  const trace = await page.context().newCDPSession(page);
  await trace.send("Performance.enable");
  await page.addInitScript(() => {
    const found: number[] = [];
    Object.assign(window, { longTasks: found });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) found.push(Math.round(entry.duration));
    }).observe({ type: "longtask", buffered: true });
  });
  await page.goto(`${server.url}/jobs/job-7f3a`);
  await expect(page.getByText(/units a cell: its worst/)).toBeVisible();
  const paints = await page.evaluate(() => ({
    first: Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1),
    loaded: Math.round(performance.now()),
  }));
  await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks.splice(0));

  grid.run(20, 200);
  const target = grid.map.version + 200;
  const map = page.getByRole("application", { name: /Units/ });
  await map.hover();
  for (let n = 0; n < 4; n++) await page.getByRole("button", { name: "Look closer" }).click();
  while (grid.map.version < target) {
    await page.mouse.wheel(0, 900);
    await page.evaluate(() => new Promise((frame) => requestAnimationFrame(frame)));
  }
  const long = await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks);
  const { metrics } = await trace.send("Performance.getMetrics");
  const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
  grid.stop();
  await server.stop();
  const figures = {
    units: UNITS,
    first_paint_ms: paints.first,
    map_shown_ms: paints.loaded,
    updates: 200,
    long_tasks_ms: long,
    heap_mb: Math.round(heap / 1e6),
  };
  console.log(JSON.stringify(figures));
  expect(heap).toBeLessThan(300e6);
});
