/** One device: what it does, when it is here, what it earns, what it may. */
import { Button } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import type { NodeDetail } from "@/api/lending";
import { exactly, name } from "@/parts/form/checks";
import { Text } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Page, Panel, Stack } from "@/parts/Page";
import { Rules } from "@/parts/preferences/Rules";
import { Asked, Failure, Stale } from "@/parts/States";
import { StateBadge } from "@/pictures/small";
import { Change } from "./Change";
import styles from "./devices.module.css";
import { reasonOf, stateOf } from "./model";
import { LastDay, Now, When } from "./Now";
import { pause, remove, rename, resume, useDevice } from "./query";
import { Earned, Machine, Working } from "./Side";
import { takesWords } from "./takes";

export function DeviceOneView() {
  const { id } = useParams({ from: "/inside/devices/$id" });
  const { query, live } = useDevice(id);
  const detail = query.data;
  return (
    <Page
      title={detail?.info.name ?? "Device"}
      crumbs={[{ text: "Devices", to: "/devices" }, { text: detail?.info.name ?? "…" }]}
      badge={
        <>
          {detail && <StateBadge state={stateOf(detail.info)} />}
          {detail?.info.reason && <span className="dim small foreign">{reasonOf(detail.info)}</span>}
          <Stale since={live.staleSince} />
        </>
      }
      actions={detail && <Pausing detail={detail} />}
    >
      <Asked query={query}>{(data) => <Device detail={data} />}</Asked>
    </Page>
  );
}

function Device({ detail }: { detail: NodeDetail }) {
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Now detail={detail} />
      <Stack>
        {editing && <Change detail={detail} />}
        <div className={styles.main}>
          <Stack>
            <When id={detail.info.id} here={detail.info.state !== "offline"} />
            <LastDay id={detail.info.id} />
            <Working detail={detail} />
          </Stack>
          <Stack>
            <Earned id={detail.info.id} />
            <Panel title="Owner's rules" note={detail.preferences.effective.preset ?? "balanced"}>
              <Rules
                of={detail.preferences}
                more={[{ label: "whose work", value: takesWords(detail.takes) }]}
              />
              <Button
                mt="sm"
                onClick={() => setEditing(!editing)}
                aria-expanded={editing}
                aria-controls="change"
              >
                {editing ? "Close the rules" : "Change the rules"}
              </Button>
            </Panel>
            <Machine detail={detail} actions={<Manage detail={detail} />} />
          </Stack>
        </div>
      </Stack>
    </>
  );
}

const TWO_HOURS_S = 7200;

/** Acts at once; what it does stands in the button's own words. */
function Pausing({ detail }: { detail: NodeDetail }): ReactNode {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const id = detail.info.id;
  const act = async (deed: Promise<void>) => {
    setBusy(true);
    setError(undefined);
    await deed.catch(setError);
    setBusy(false);
  };
  return (
    <>
      {error ? <Failure error={error} /> : null}
      {detail.pause ? (
        <Button variant="filled" loading={busy} onClick={() => act(resume(id))}>
          Resume
        </Button>
      ) : (
        <>
          <Button loading={busy} onClick={() => act(pause(id, {}))}>
            Pause
          </Button>
          <Button disabled={busy} onClick={() => act(pause(id, { for_s: TWO_HOURS_S }))}>
            For two hours
          </Button>
          <Button disabled={busy} onClick={() => act(pause(id, { finish: true }))}>
            Finish, then pause
          </Button>
        </>
      )}
    </>
  );
}

function Manage({ detail }: { detail: NodeDetail }) {
  const navigate = useNavigate();
  const { id, name: now } = detail.info;
  return (
    <div style={{ display: "flex", gap: 8, marginTop: 14 }}>
      <Secure
        label="Rename"
        says="Only you see this name. Authors see a pseudonym."
        checks={{ name }}
        act={({ name = "" }) => rename(id, name.trim())}
      >
        <Text name="name" label="Name" defaultValue={now} autoComplete="off" maxLength={64} data-autofocus />
      </Secure>
      <Secure
        label="Remove"
        danger
        says={
          <>
            It leaves the grid; its units go to others. What it earned is yours. To come back it has to join
            anew. Type <b className="foreign">{now}</b> to go on.
          </>
        }
        checks={{ word: exactly(now) }}
        act={async () => {
          await remove(id);
          await navigate({ to: "/devices" });
        }}
      >
        <Text name="word" label="Its name" autoComplete="off" data-autofocus />
      </Secure>
    </div>
  );
}
