/** Entry of the portal. */
import "./app/scheme";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app/colours.css";
import "./app/base.css";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Providers } from "./app/Providers";
import { router } from "./app/router";

const place = document.getElementById("root");
if (!place) throw new Error("the page has no root");
createRoot(place).render(
  <StrictMode>
    <Providers>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
);
