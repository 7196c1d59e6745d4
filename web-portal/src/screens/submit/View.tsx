/** A new job. */
import { Page } from "@/parts/Page";

export function SubmitView() {
  return <Page title="New job">…</Page>;
}
