/** Credits. */
import { Page } from "@/parts/Page";

export function CreditsView() {
  return <Page title="Credits">…</Page>;
}
