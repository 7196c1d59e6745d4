/** A code, who shows it, what it may do then: yes or no. */
import { Button, Group } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Form, Text } from "@/parts/form/Form";
import { Page, Panel } from "@/parts/Page";
import { Asked, Failure } from "@/parts/States";
import { clock, short } from "@/words/format";
import styles from "./device.module.css";
import { type Asker, decide, tidy, useAsker } from "./query";

export function DeviceView() {
  const { code: typed } = useSearch({ from: "/inside/device" });
  const code = typed === undefined ? undefined : tidy(typed);
  const asker = useAsker(code);
  const [decided, setDecided] = useState<"yes" | "no">();
  if (decided && asker.data) return <Decided yes={decided === "yes"} asker={asker.data} />;
  return (
    <Page title="Let a device in">
      <div className={styles.column}>
        {code === undefined ? (
          <Ask wrong={typed} />
        ) : (
          <Asked query={asker}>
            {(data) => <Question key={code} code={code} asker={data} onDecided={setDecided} />}
          </Asked>
        )}
        {asker.error ? <Ask wrong={undefined} /> : null}
      </div>
    </Page>
  );
}

function Ask({ wrong }: { wrong: string | undefined }) {
  const navigate = useNavigate();
  return (
    <Panel title="The code that the device shows">
      <Form
        action="Look who asks"
        checks={{
          code: (value) => (tidy(value) ? undefined : "A code has eight letters, as BCDF-GHJK."),
        }}
        submit={async ({ code = "" }) => {
          const found = tidy(code);
          if (found) await navigate({ to: "/device", search: { code: found } });
        }}
      >
        <Text
          name="code"
          aria-label="Code"
          placeholder="BCDF-GHJK"
          defaultValue={wrong ?? ""}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={32}
          classNames={{ input: styles.code }}
          autoFocus
        />
      </Form>
    </Panel>
  );
}

function Question(props: { code: string; asker: Asker; onDecided: (how: "yes" | "no") => void }) {
  const { asker } = props;
  const [busy, setBusy] = useState<"yes" | "no">();
  const [error, setError] = useState<unknown>();
  const answer = async (how: "yes" | "no") => {
    setBusy(how);
    setError(undefined);
    try {
      await decide(props.code, how === "yes");
      props.onDecided(how);
    } catch (failed) {
      setError(failed);
      setBusy(undefined);
    }
  };
  return (
    <Panel>
      <p className={styles.code}>{props.code}</p>
      <p>
        {asker.isNode
          ? "A computer wants to join in your name:"
          : "The command line tool wants to act for you:"}{" "}
        <b className="foreign">{asker.name}</b>, from {asker.address}.
      </p>
      <dl className={styles.facts}>
        <dt>It may then</dt>
        <dd>
          <ul>
            {asker.may.map((may) => (
              <li key={may}>{may}</li>
            ))}
          </ul>
        </dd>
        {asker.fingerprint && (
          <>
            <dt>It shows</dt>
            <dd>
              this grid's fingerprint <span className="mono">{short(asker.fingerprint, 12, 4)}</span>
            </dd>
          </>
        )}
        <dt>Until</dt>
        <dd>the code ends at {clock(asker.endsMs)}</dd>
      </dl>
      <p className="dim">Say yes only if this very code is on the screen of a device of yours.</p>
      {error ? <Failure error={error} /> : null}
      <Group mt="md" gap="xs">
        <Button variant="filled" size="sm" loading={busy === "yes"} onClick={() => answer("yes")}>
          {asker.isNode ? "Let it join" : "Let it in"}
        </Button>
        <Button size="sm" loading={busy === "no"} onClick={() => answer("no")}>
          No, that is not mine
        </Button>
      </Group>
    </Panel>
  );
}

function Decided({ yes, asker }: { yes: boolean; asker: Asker }) {
  return (
    <Page title={yes ? "It is in" : "It stays out"}>
      <p role="status">
        {yes ? (
          <>
            <b className="foreign">{asker.name}</b> {asker.isNode ? "joins now" : "may act for you now"}. You
            can close this page.
          </>
        ) : (
          "Nothing was given away, and the code is worth nothing now."
        )}
      </p>
      <Group mt="md">
        <Button component={Link} to={asker.isNode ? "/devices" : "/jobs"}>
          {asker.isNode ? "Your devices" : "Your jobs"}
        </Button>
      </Group>
    </Page>
  );
}
