/** Which data: files, streamed to the grid while the rest of the form is filled. */
import { ActionIcon, Button, FileButton, Progress, SegmentedControl } from "@mantine/core";
import { useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { bytes } from "@/words/format";
import type { Form } from "./form";
import styles from "./submit.module.css";
import { type Step, upload } from "./upload";
import type { Change } from "./View";

/** Uploads at the same time. */
const LANES = 2;

type Going = { id: number; file: File; step: Step | undefined; error: unknown; end: AbortController };

export function Data({ form, change, wrong }: { form: Form; change: Change; wrong: string | undefined }) {
  const { going, add, drop } = useUploads(form, change);
  const [over, setOver] = useState(false);
  const set = (blob: string, name: string, shared: boolean) =>
    change({
      files: form.files.map((file) =>
        file.blob === blob && file.name === name ? { ...file, shared } : file,
      ),
    });
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be dropped here; the button does the same
    <div
      className={styles.drop}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        add([...event.dataTransfer.files]);
      }}
    >
      <ul className={styles.files}>
        {form.files.map((file) => (
          <li key={`${file.name} ${file.blob}`}>
            <span className="foreign">{file.name}</span>
            <span className="dim num">{file.bytes > 0 ? bytes(file.bytes) : ""}</span>
            <SegmentedControl
              size="xs"
              aria-label={`What ${file.name} is`}
              value={file.shared ? "shared" : "input"}
              onChange={(kind) => set(file.blob, file.name, kind === "shared")}
              data={[
                { value: "input", label: "is cut" },
                { value: "shared", label: "for every unit" },
              ]}
            />
            <Remove
              name={file.name}
              act={() => change({ files: form.files.filter((other) => other !== file) })}
            />
          </li>
        ))}
        {going.map((one) => (
          <li key={one.id}>
            <span className="foreign">{one.file.name}</span>
            <span className="dim num">{bytes(one.file.size)}</span>
            {one.error ? (
              <span className={styles.wrong}>{asProblem(one.error).message}</span>
            ) : (
              <Progress.Root size="sm" className={styles.progress}>
                <Progress.Section
                  value={((one.step?.done ?? 0) / Math.max(1, one.file.size)) * 100}
                  color={one.step?.step === "hashing" ? "var(--s-check)" : "var(--s-run)"}
                  aria-label={`${one.step?.step ?? "waiting"}: ${one.file.name}`}
                />
              </Progress.Root>
            )}
            <Remove name={one.file.name} act={() => drop(one.id)} />
          </li>
        ))}
      </ul>
      <FileButton onChange={add} multiple inputProps={{ "aria-label": "Data files" }}>
        {(props) => (
          <Button size="sm" {...props}>
            Add files
          </Button>
        )}
      </FileButton>
      <span className="dim small"> or drop them here</span>
      {wrong && form.program && going.length === 0 && <p className={styles.wrong}>{wrong}</p>}
    </div>
  );
}

function Remove({ name, act }: { name: string; act: () => void }) {
  return (
    <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Leave out ${name}`} onClick={act}>
      ×
    </ActionIcon>
  );
}

function useUploads(form: Form, change: Change) {
  const [going, setGoing] = useState<Going[]>([]);
  const lanes = useRef<Promise<void>[]>(Array.from({ length: LANES }, () => Promise.resolve()));
  const next = useRef(0);
  const files = useRef(form.files);
  files.current = form.files;
  const set = (id: number, fields: Partial<Going>) =>
    setGoing((list) => list.map((one) => (one.id === id ? { ...one, ...fields } : one)));
  const one = async (item: Going) => {
    if (item.end.signal.aborted) return;
    try {
      const blob = await upload(item.file, (step) => set(item.id, { step }), item.end.signal);
      const file = { name: item.file.name, bytes: item.file.size, blob, shared: false };
      files.current = [...files.current, file];
      change({ files: files.current });
      setGoing((list) => list.filter(({ id }) => id !== item.id));
    } catch (error) {
      if (!item.end.signal.aborted) set(item.id, { error });
    }
  };
  const add = (list: File[]) => {
    const items = list.map((file) => ({
      id: next.current++,
      file,
      step: undefined,
      error: undefined,
      end: new AbortController(),
    }));
    setGoing((before) => [...before, ...items]);
    for (const item of items) {
      const lane = item.id % LANES;
      lanes.current[lane] = (lanes.current[lane] ?? Promise.resolve()).then(() => one(item));
    }
  };
  const drop = (id: number) => {
    going.find((item) => item.id === id)?.end.abort();
    setGoing((list) => list.filter((item) => item.id !== id));
  };
  return { going, add, drop };
}
