/** What people and operators did. */
import { Table } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { Age } from "@/pictures/small";
import { actionWords } from "../account/words";
import { Frame, Listing, Narrow } from "./Frame";
import { useAudit } from "./query";

export function AuditView() {
  const { account, action } = useSearch({ from: "/inside/grid/audit" });
  const narrow = { ...(account ? { actor: account } : {}), ...(action ? { action } : {}) };
  const audit = useAudit(narrow);
  return (
    <Frame title="Audit">
      <Narrow
        at="/grid/audit"
        fields={[
          { name: "account", label: "Who, by name", value: account },
          { name: "action", label: "What, as session.created", value: action },
        ]}
      />
      <Listing
        query={audit}
        label="Audit log"
        empty="Nothing is like that"
        heads={["When", "Who", "What", "From"]}
        row={(event) => (
          <Table.Tr key={`${event.at_ms} ${event.action} ${event.object} ${event.actor}`}>
            <Table.Td className="dim">
              <Age at={event.at_ms} />
            </Table.Td>
            <Table.Td className="foreign">{event.actor ?? "a visitor"}</Table.Td>
            <Table.Td>
              <span title={event.action}>{actionWords(event.action)}</span>{" "}
              <span className="dim foreign">{event.object}</span>
              {event.details && <div className="dim small foreign">{event.details}</div>}
            </Table.Td>
            <Table.Td className="dim">{event.address}</Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}
