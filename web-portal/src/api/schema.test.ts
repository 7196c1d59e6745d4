/** The checked-in types are those of the server's document: whoever changes one changes the other. */
import { readFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, test } from "vitest";

test("schema.d.ts is what the server's document says", async () => {
  const document = new URL("../../../grid-server/openapi.json", import.meta.url);
  const made = astToString(await openapiTS(document));
  const kept = readFileSync(new URL("./schema.d.ts", import.meta.url), "utf8");
  const code = (text: string) => text.slice(text.indexOf("export interface paths"));
  expect(code(kept), "run `npm run api` in web-portal/ and check the result in").toBe(code(made));
});
