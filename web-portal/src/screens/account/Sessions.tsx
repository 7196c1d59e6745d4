/** Browsers that are logged in. */
import { Button, Table } from "@mantine/core";
import { Confirm } from "@/parts/Confirm";
import { Panel } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { Age, StateBadge } from "@/pictures/small";
import { endOthers, endSession, type Self, useSessions } from "./query";
import { browser } from "./words";

export function Sessions({ self }: { self: Self }) {
  const sessions = useSessions();
  return (
    <Panel title="Where you are logged in" note={self.session ? undefined : "this page uses a token"}>
      <Asked query={sessions}>
        {({ items }) => (
          <>
            <Wide label="Where you are logged in">
              <Table>
                <Table.Thead className="hidden">
                  <Table.Tr>
                    <Table.Th>Browser</Table.Th>
                    <Table.Th>Last seen</Table.Th>
                    <Table.Th>What to do</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((session) => (
                    <Table.Tr key={session.id}>
                      <Table.Td>
                        <span className="foreign">{browser(session.agent)}</span>{" "}
                        {session.current && <StateBadge state="done" word="this one" />}
                        <div className="dim small">{session.address}</div>
                      </Table.Td>
                      <Table.Td className="dim">
                        <Age at={session.seen_at_ms} />
                      </Table.Td>
                      <Table.Td align="right">
                        {!session.current && (
                          <Button
                            size="compact-xs"
                            aria-label={`Log out ${browser(session.agent)} at ${session.address}`}
                            onClick={() => void endSession(session.id)}
                          >
                            Log out
                          </Button>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
            {items.length > 1 && (
              <div style={{ marginTop: 12 }}>
                <Confirm label="Log out all others" act={endOthers}>
                  Every browser but this one has to log in again.
                </Confirm>
              </div>
            )}
          </>
        )}
      </Asked>
    </Panel>
  );
}
