/** What a device's results are worth to others, in words. Pure. */
import type { NodeInfo } from "@/api/types";
import { day } from "@/words/format";

export function standingWords(standing: NodeInfo["standing"]): string {
  if (!standing) return "nothing is checked here";
  switch (standing.is) {
    case "anchor":
      return "the operator vouches for it";
    case "trusted":
      return "trusted: a few results are checked";
    case "probation":
      return `new: ${standing.passes} of ${standing.needed} checks until it is trusted`;
    case "quarantined":
      return `no work until ${day(standing.until_ms)}: its results were wrong`;
    case "banned":
      return `no work: ${standing.why}`;
    default:
      return "";
  }
}
