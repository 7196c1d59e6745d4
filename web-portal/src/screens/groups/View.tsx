/** Groups. */
import { Page } from "@/parts/Page";

export function GroupsView() {
  return <Page title="Groups">…</Page>;
}
