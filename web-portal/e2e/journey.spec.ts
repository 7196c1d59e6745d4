/** An author's journey on a real grid: from the log-in to a downloaded result, a failure that is answered, a clone. */
import { readFileSync } from "node:fs";
import { expect, type Page, test } from "@playwright/test";
import { type Account, example, Grid, guest } from "./grid";
import { accessible, complaints } from "./page";

// One story: a test goes on where the one before ended.
test.describe.configure({ mode: "serial" });

let grid: Grid;
let mia: Account;
test.beforeAll(async () => {
  grid = await Grid.start();
  mia = await grid.account("mia");
  await grid.node(mia, "heron-1");
  await grid.node(mia, "heron-2");
});
test.afterAll(() => grid?.stop());

/** Log in with a token; the page that was asked for comes then. */
async function logIn(page: Page, account: Account, path: string): Promise<void> {
  await page.goto(grid.url + path);
  await page.getByRole("button", { name: "Log in with a token" }).click();
  await page.getByLabel("API token").fill(account.token);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

test("a program and its data become a result", async ({ page }) => {
  // Nobody is logged in at first: that the server says so is part of the journey.
  const words = complaints(page, /401 \(Unauthorized\)/);
  await logIn(page, mia, "/jobs");
  await expect(page.getByRole("heading", { name: "No jobs yet" })).toBeVisible();
  await accessible(page);
  await page.getByRole("link", { name: "New job" }).click();

  await page.getByLabel("A new component").setInputFiles(guest("wordcount"));
  await expect(page.getByText(/^wordcount\.wasm: /)).toBeVisible();
  await page.getByLabel("Data files").setInputFiles(example("wordcount/input/sherlock.txt"));
  await expect(page.getByText("is cut")).toBeVisible();
  await page.getByRole("combobox", { name: "Cut" }).click();
  await page.getByRole("option", { name: "By lines of text" }).click();
  await page.getByLabel("Lines a unit").fill("500");
  await page.getByRole("combobox", { name: "Runs on" }).click();
  await page.getByRole("option", { name: "only your own nodes" }).click();
  await page.getByLabel("Name", { exact: true }).fill("words of Holmes");
  await page.getByLabel("Project").fill("Reading");
  await expect(page.getByText(/^\d+ units$/)).toBeVisible();
  await accessible(page);
  await page.getByRole("button", { name: "Submit" }).click();

  await expect(page.getByRole("heading", { name: "words of Holmes" })).toBeVisible();
  await expect(page.getByRole("application", { name: /Units/ })).toBeVisible();
  await expect(page.locator("main").getByText("done", { exact: true }).first()).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: /^Download/ }).click(),
  ]);
  const bytes = readFileSync(await download.path());
  expect(bytes.length).toBeGreaterThan(100);
  await accessible(page);

  await page.getByRole("application", { name: /Units/ }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "unit 0" })).toBeVisible();
  await expect(page.getByText(/heron-[12]/).first()).toBeVisible();
  await accessible(page);

  await page.getByRole("link", { name: "Projects" }).click();
  await page.getByRole("link", { name: "Reading" }).click();
  await expect(page.getByRole("link", { name: "words of Holmes" })).toBeVisible();
  await page.getByRole("link", { name: "Modules" }).click();
  await expect(page.getByText("wordcount.wasm")).toBeVisible();
  expect(words).toEqual([]);
});

test("a clone is filled in, and can be cancelled", async ({ page }) => {
  await logIn(page, mia, "/jobs");
  await page.getByRole("link", { name: "words of Holmes" }).click();
  await page.getByRole("link", { name: "Clone" }).click();
  await expect(page.getByLabel("Lines a unit")).toHaveValue("500");
  await page.getByLabel("Name", { exact: true }).fill("once more");
  await page.getByLabel("Lines a unit").fill("1");
  await page.getByRole("button", { name: "Submit" }).click();
  await expect(page.getByRole("heading", { name: "once more" })).toBeVisible();
  await page.getByRole("button", { name: "Cancel job" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
  await expect(page.locator("main").getByText("cancelled", { exact: true }).first()).toBeVisible();
});

test("another account sees none of it", async ({ page }) => {
  const jobs = await grid.call<{ items: { id: string }[] }>(mia.token, "GET", "/jobs");
  const noah = await grid.account("noah");
  await logIn(page, noah, `/jobs/${jobs.items[0]?.id}`);
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByText("words of Holmes")).toHaveCount(0);
});
