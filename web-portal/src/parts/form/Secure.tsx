/** A button whose deed asks for more than a yes: a password, a reason, the object's name. */
import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import type { Checks, Values } from "./checks";
import { Form } from "./Form";
import styles from "./form.module.css";

export function Secure(props: {
  /** Word on the button, also above the question. */
  label: string;
  /** Of the button for those who hear it, where several have the same word. */
  aria?: string;
  /** What will happen. */
  says: ReactNode;
  act: (values: Values) => Promise<unknown>;
  checks?: Checks;
  fieldOf?: Record<string, string>;
  danger?: boolean;
  compact?: boolean;
  /** The fields. */
  children?: ReactNode;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button
        onClick={open}
        size={props.compact ? "compact-xs" : "xs"}
        {...(props.aria ? { "aria-label": props.aria } : {})}
      >
        {props.label}
      </Button>
      <Modal opened={opened} onClose={close} title={props.label}>
        <div className={styles.form}>
          <div className="dim">{props.says}</div>
          <Form
            action={props.label}
            submit={async (values) => {
              await props.act(values);
              close();
            }}
            checks={props.checks ?? {}}
            fieldOf={props.fieldOf ?? {}}
            danger={props.danger ?? false}
            beside={<Button onClick={close}>Leave it</Button>}
          >
            {props.children}
          </Form>
        </div>
      </Modal>
    </>
  );
}
