/** What lenders wrote about programs. */
import { Table } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Age } from "@/pictures/small";
import { short } from "@/words/format";
import { Frame, Listing } from "./Frame";
import { useReports } from "./query";

export function ReportsView() {
  const reports = useReports();
  return (
    <Frame title="Reports">
      <Listing
        query={reports}
        label="Reports"
        empty="Nobody has reported a program"
        heads={["When", "By", "Program", "What is wrong"]}
        row={(report) => (
          <Table.Tr key={report.id}>
            <Table.Td className="dim">
              <Age at={report.at_ms} />
            </Table.Td>
            <Table.Td className="foreign">{report.by}</Table.Td>
            <Table.Td>
              {report.module && (
                <Link to="/grid/modules" search={{ q: report.module }} className="mono">
                  {short(report.module, 8, 4)}
                </Link>
              )}
              {report.job && <div className="mono dim">{short(report.job, 14, 4)}</div>}
            </Table.Td>
            <Table.Td className="foreign">{report.text}</Table.Td>
          </Table.Tr>
        )}
      />
    </Frame>
  );
}
