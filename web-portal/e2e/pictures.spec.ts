/** The page of all pictures keeps the rules, and the map can be walked and zoomed. */
import { expect, test } from "@playwright/test";
import { complaints, looks } from "./page";
import { json, StaticServer } from "./static";

let server: StaticServer;
test.beforeAll(async () => {
  server = await StaticServer.start((_request, response, url) =>
    url.pathname === "/api/v1/me"
      ? json(response, { id: "acc-1", name: "mia", role: "user", scopes: [] })
      : false,
  );
});
test.afterAll(() => server.stop());

test("pictures keep the rules", async ({ page }) => {
  const words = complaints(page, /404 \(Not Found\)/);
  await page.goto(`${server.url}/pictures`);
  await expect(page.getByRole("heading", { name: "Pictures" })).toBeVisible();
  await looks(page, "pictures");
  expect(words).toEqual([]);
});

test("the map is walked, told in words and zoomed", async ({ page }) => {
  await page.goto(`${server.url}/pictures`);
  const map = page.getByRole("application", { name: /Units/ });
  await map.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByText(/^unit 1 · /).first()).toBeVisible();
  await page.getByText("1000000").click();
  await expect(page.getByText(/units a cell: its worst/)).toBeVisible();
  await map.focus();
  await page.keyboard.press("End");
  await expect(page.getByText(/^units [\d,]+–999,999 · /).first()).toBeVisible();
  while (await page.getByRole("button", { name: "Look closer" }).isEnabled()) await page.keyboard.press("+");
  await expect(page.getByText("one cell a unit, in order")).toBeVisible();
  await expect(page.getByText(/^unit 999,\d+ · waiting/).first()).toBeVisible();
});
