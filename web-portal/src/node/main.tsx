/** Entry of a node's own page. */
import "../app/scheme";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "../app/colours.css";
import "../app/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Providers } from "../app/Providers";
import { takeToken } from "./api";
import { NodePage } from "./NodePage";

const place = document.getElementById("root");
if (!place) throw new Error("the page has no root");
takeToken();
createRoot(place).render(
  <StrictMode>
    <Providers>
      <NodePage />
    </Providers>
  </StrictMode>,
);
