/** Grid. */
import { Page } from "@/parts/Page";

export function GridView() {
  return <Page title="Grid">…</Page>;
}
