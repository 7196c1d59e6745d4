/** Everybody's nodes. */
import { Table } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import { Age, StateBadge } from "@/pictures/small";
import { count } from "@/words/format";
import { standingWords } from "../devices/standing";
import { Frame, Listing, Narrow, Suspending, Why } from "./Frame";
import { restoreNode, suspendNode, useNodes } from "./query";

export function NodesView() {
  const { q } = useSearch({ from: "/inside/grid/nodes" });
  const nodes = useNodes(q);
  return (
    <Frame title="Nodes">
      <Narrow at="/grid/nodes" fields={[{ name: "q", label: "Name, owner or id", value: q }]} />
      <Listing
        query={nodes}
        label="Nodes"
        empty={q ? "No node is called so" : "No nodes yet"}
        heads={["Node", "Owner", "State", "Units", "Checks", "Heard of", ""]}
        row={(node) => (
          <Table.Tr key={node.id}>
            <Table.Td>
              <span className="foreign">{node.name}</span>
              <div className="dim small foreign">{node.machine}</div>
              <Why of={node.suspended} />
            </Table.Td>
            <Table.Td>
              <Link to="/grid/users" search={{ q: node.owner.name }} className="foreign">
                {node.owner.name}
              </Link>
            </Table.Td>
            <Table.Td>
              <StateBadge state={node.suspended ? "suspended" : node.state} />
              {node.reason && <div className="dim small foreign">{node.reason}</div>}
            </Table.Td>
            <Table.Td className="num">
              {count(node.units_held)} of {count(node.slots)}
              <div className="dim small">{count(node.units_done)} done</div>
            </Table.Td>
            <Table.Td className="num">
              {count(node.checks_passed)} passed
              {node.results_wrong > 0 && <div className="small">{count(node.results_wrong)} wrong</div>}
              {node.standing && <div className="dim small">{standingWords(node.standing)}</div>}
            </Table.Td>
            <Table.Td className="dim">
              <Age at={node.seen_at_ms} />
            </Table.Td>
            <Table.Td ta="right">
              <Suspending
                name={node.name}
                suspended={node.suspended}
                says="It is refused with the reason, and its units go to others at once."
                suspend={(reason) => suspendNode(node.id, reason)}
                restore={() => restoreNode(node.id)}
              />
            </Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}
