/** What was done by and to the account. */
import { Button, Table } from "@mantine/core";
import { Panel } from "@/parts/Page";
import { Asked, Empty } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { Age } from "@/pictures/small";
import { useRecord } from "./query";
import { actionWords } from "./words";

export function Record() {
  const record = useRecord();
  return (
    <Panel title="What was done" note="newest first; kept for your safety, seen by you and the operator">
      <Asked query={record}>
        {({ pages }) => {
          const events = pages.flatMap((page) => page.items);
          if (events.length === 0) return <Empty title="Nothing yet" />;
          return (
            <>
              <Wide label="Record">
                <Table>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>When</Table.Th>
                      <Table.Th>What</Table.Th>
                      <Table.Th>By</Table.Th>
                      <Table.Th>From</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {events.map((event, n) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: events have no other name
                      <Table.Tr key={n}>
                        <Table.Td className="dim">
                          <Age at={event.at_ms} />
                        </Table.Td>
                        <Table.Td>
                          {actionWords(event.action)} <span className="dim foreign">{event.object}</span>
                          {event.details && <div className="dim small foreign">{event.details}</div>}
                        </Table.Td>
                        <Table.Td className="foreign">{event.actor ?? "a visitor"}</Table.Td>
                        <Table.Td className="dim">{event.address}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Wide>
              {record.hasNextPage && (
                <Button
                  mt="sm"
                  onClick={() => void record.fetchNextPage()}
                  loading={record.isFetchingNextPage}
                >
                  Older ones
                </Button>
              )}
            </>
          );
        }}
      </Asked>
    </Panel>
  );
}
