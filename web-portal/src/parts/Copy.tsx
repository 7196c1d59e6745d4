/** A text to take along: commands, tokens, digests. */
import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import styles from "./parts.module.css";

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const { copy, copied } = useClipboard({ timeout: 2000 });
  return (
    <div className={styles.copy}>
      <pre>{text}</pre>
      <Button size="compact-xs" onClick={() => copy(text)} aria-live="polite">
        {copied ? "Copied" : label}
      </Button>
    </div>
  );
}
