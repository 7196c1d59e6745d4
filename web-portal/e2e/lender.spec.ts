/** The pages of accounts, lenders and operators, filled: they keep the rules, and what others wrote stays text. */
import { expect, type Page, test } from "@playwright/test";
import { complaints, looks } from "./page";
import { lender, node, visitor } from "./sampleLender";
import { StaticServer } from "./static";

let grid: StaticServer;
let closed: StaticServer;
let own: StaticServer;
test.beforeAll(async () => {
  grid = await StaticServer.start(lender);
  closed = await StaticServer.start(visitor);
  own = await StaticServer.start(node, "dist-node");
});
test.afterAll(() => Promise.all([grid, closed, own].map((server) => server?.stop())));

/** Streams of these samples are not there: that is no complaint. */
const expected = /404 \(Not Found\)|401 \(Unauthorized\)/;

async function keepsRules(
  page: Page,
  url: string,
  name: string,
  ready: RegExp,
  before?: () => Promise<void>,
) {
  const words = complaints(page, expected);
  await page.goto(url);
  await expect(page.getByText(ready).first()).toBeVisible();
  await before?.();
  await looks(page, name);
  expect(words).toEqual([]);
  expect(await page.locator("main script, main img[src='x']").count()).toBe(0);
}

const PAGES = [
  { name: "devices", path: "/devices", ready: /heron-3/ },
  { name: "device", path: "/devices/node-1", ready: /3 units of cells/ },
  { name: "groups", path: "/groups", ready: /imaging-lab/ },
  { name: "group", path: "/groups/imaging-lab", ready: /jonas/ },
  { name: "account", path: "/account", ready: /mia@example.org/ },
  { name: "account-tokens", path: "/account?tab=tokens", ready: /laptop/ },
  { name: "account-record", path: "/account?tab=record", ready: /logged in/ },
  { name: "approve", path: "/device?code=BCDF-GHJK", ready: /heron-4/ },
  { name: "health", path: "/grid", ready: /smtp.example.org/ },
  { name: "users", path: "/grid/users", ready: /jonas/ },
  { name: "nodes", path: "/grid/nodes", ready: /heron-3/ },
  { name: "all-jobs", path: "/grid/jobs", ready: /cells/ },
  { name: "all-modules", path: "/grid/modules", ready: /812 kB/ },
  { name: "disputes", path: "/grid/disputes", ready: /Who said what/ },
  { name: "reports", path: "/grid/reports", ready: /onerror/ },
  { name: "ledger", path: "/grid/ledger", ready: /thanks for the lab/ },
  { name: "audit", path: "/grid/audit", ready: /198.51.100.3/ },
];
for (const { name, path, ready } of PAGES)
  test(`${name} keeps the rules`, ({ page }) => keepsRules(page, grid.url + path, name, ready));

for (const { name, path, ready } of [
  { name: "login", path: "/login", ready: /Log in to Meadow/ },
  { name: "register", path: "/register", ready: /Make the account/ },
  { name: "forgot", path: "/forgot", ready: /Send the link/ },
])
  test(`${name} keeps the rules`, ({ page }) => keepsRules(page, closed.url + path, name, ready));

test("the second factor is a picture, a code, and codes that are shown once", async ({ page }) => {
  await keepsRules(page, `${grid.url}/account?tab=safety`, "account-safety", /Second factor/, async () => {
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: "Password" }).fill("a long password");
    await page.getByRole("dialog").getByRole("button", { name: "Turn it on" }).click();
    await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
  });
  await page.getByLabel("Code that it shows now").fill("123456");
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByText("k0fd-83ha-0q2x").first()).toBeVisible();
  await page.getByRole("button", { name: "I have kept them" }).click();
  await expect(page.getByText("k0fd-83ha-0q2x")).toHaveCount(0);
});

test("the owner's rules are edited; what was chosen at the computer is fixed", async ({ page }) => {
  await keepsRules(page, `${grid.url}/devices/node-1`, "device-rules", /Owner's rules/, async () => {
    await page.getByRole("button", { name: "Change the rules" }).click();
    await expect(page.getByRole("radio", { name: /Quiet/ })).toBeChecked();
    await expect(page.getByLabel("Processor")).toBeDisabled();
  });
});

test("a node's own page keeps the rules, and its token leaves the address", async ({ page }) => {
  await keepsRules(page, `${own.url}/#token=ABCDEFGH23456789`, "node", /3 units of cells and primes run/);
  expect(page.url()).toBe(`${own.url}/`);
  await page.reload();
  await expect(page.getByRole("button", { name: "Pause", exact: true })).toBeVisible();
  for (const tab of ["Earned", "History", "What it can reach", "Log"]) {
    await page.getByRole("tab", { name: tab }).click();
    await expect(page.getByRole("tabpanel")).not.toBeEmpty();
  }
  expect(await page.locator("main script, main img[src='x']").count()).toBe(0);
});

test("without its link a node's own page shows nothing", async ({ page }) => {
  await page.goto(own.url);
  await expect(page.getByText("fallow-node page")).toBeVisible();
});

test("an error stands at its field, which has the focus", async ({ page }) => {
  await page.goto(`${closed.url}/register`);
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect(page.getByLabel("Name")).toBeFocused();
  await expect(page.getByText("A name is missing.")).toBeVisible();
  await page.getByLabel("Name").fill("ann");
  await page.getByLabel("E-mail").fill("ann@example.org");
  await page.getByRole("textbox", { name: "Password" }).fill("short");
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect(page.getByRole("textbox", { name: "Password" })).toBeFocused();
  await page.getByRole("textbox", { name: "Password" }).fill("long enough, this one");
  await page.getByRole("button", { name: "Make the account" }).click();
  await expect(page.getByRole("heading", { name: "Look into your mail" })).toBeVisible();
  await page.goto(`${closed.url}/login`);
  await page.getByLabel("E-mail or name").fill("ann");
  await page.getByRole("textbox", { name: "Password" }).fill("not this one");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Password" })).toBeFocused();
  await expect(page.getByText("The name or the password is wrong.")).toBeVisible();
});
