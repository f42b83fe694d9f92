import "@fontsource-variable/vazirmatn";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "virtual:theme.css";
import "./app.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { askWho } from "./session";
import { languagesReady } from "./text";

/** On paper it is dark on white, whatever it is on the screen. */
function printLight(): void {
  const { dataset } = document.documentElement;
  let scheme: string | undefined;
  addEventListener("beforeprint", () => {
    scheme = dataset.mantineColorScheme;
    dataset.mantineColorScheme = "light";
  });
  addEventListener("afterprint", () => {
    if (scheme !== undefined) dataset.mantineColorScheme = scheme;
  });
}

async function start(): Promise<void> {
  const asked = askWho();
  await languagesReady;
  await asked;
  const page = document.getElementById("page");
  if (page === null) throw new Error("the page has no place to be shown in");
  createRoot(page).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}

printLight();
void start();
