/** The owner's rules from here: what it may use, and whose work it takes. */
import { useState } from "react";
import type { NodeDetail, Takes } from "@/api/lending";
import { Area, Form } from "@/parts/form/Form";
import { Panel } from "@/parts/Page";
import { Editor } from "@/parts/preferences/Editor";
import styles from "@/parts/preferences/preferences.module.css";
import { allow, take } from "./query";
import { digests, lines, WHOSE } from "./takes";

export function Change({ detail }: { detail: NodeDetail }) {
  const { id, name } = detail.info;
  return (
    <div id="change" style={{ display: "grid", gap: 16 }}>
      <Panel title="What it may use" note={`what was chosen at ${name} itself always wins`}>
        <Editor
          key={JSON.stringify(detail.preferences.remote ?? {})}
          at="portal"
          preferences={detail.preferences}
          save={(preferences) => allow(id, preferences)}
        />
      </Panel>
      <Panel title="Whose work it takes" note="your own is always taken">
        <Whose id={id} takes={detail.takes} />
      </Panel>
    </div>
  );
}

function Whose({ id, takes }: { id: string; takes: Takes }) {
  const [saved, setSaved] = useState(false);
  return (
    <Form
      action="Save whose work"
      checks={{ not_modules: digests }}
      submit={async ({ who, not_authors = "", not_modules = "" }) => {
        await take(id, {
          who: (who ?? takes.who) as Takes["who"],
          not_authors: lines(not_authors),
          not_modules: lines(not_modules).map((digest) => digest.toLowerCase()),
        });
        setSaved(true);
      }}
      beside={
        saved && (
          <span className="dim" role="status">
            Saved.
          </span>
        )
      }
      wide
    >
      <fieldset className={styles.presets}>
        <legend className="hidden">Whose work it takes</legend>
        {WHOSE.map(({ value, title, says }) => (
          <label key={value} className={styles.preset}>
            <b>
              <input type="radio" name="who" value={value} defaultChecked={takes.who === value} />
              {title}
            </b>
            {says}
          </label>
        ))}
      </fieldset>
      <div className={styles.grid}>
        <Area
          name="not_authors"
          label="But not of these authors"
          description="names, one a line"
          defaultValue={takes.not_authors.join("\n")}
          autosize
          maxRows={8}
          maxLength={20_000}
        />
        <Area
          name="not_modules"
          label="And not these programs"
          description="digests, one a line"
          defaultValue={takes.not_modules.join("\n")}
          autosize
          maxRows={8}
          maxLength={20_000}
          spellCheck={false}
        />
      </div>
    </Form>
  );
}
