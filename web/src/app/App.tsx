import { DirectionProvider, localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { Router } from "wouter";
import { useLink } from "./link";
import { queries } from "./queries";
import { Shell } from "./Shell";
import { SignInAgain, SignInPage } from "./SignIn";
import { askWho, useSession } from "./session";
import { useLanguage } from "./text";
import { useAppText } from "./texts";
import { theme } from "./theme";
import { ErrorBoundary } from "./ui/ErrorBoundary";

const schemes = localStorageColorSchemeManager({ key: "atrium.scheme" });

export function App() {
  const language = useLanguage();
  return (
    <DirectionProvider key={language} initialDirection={language === "fa" ? "rtl" : "ltr"}>
      <MantineProvider
        theme={theme}
        colorSchemeManager={schemes}
        defaultColorScheme="auto"
        // The page's policy lets no style be written into it: `virtual:theme.css` has them.
        withCssVariables={false}
        withGlobalClasses={false}
      >
        <QueryClientProvider client={queries}>
          <ErrorBoundary>
            <Router base="/app">
              <Inside />
            </Router>
          </ErrorBoundary>
          <Notifications position="bottom-center" limit={3} zIndex={400} />
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  );
}

function Inside() {
  const session = useSession();
  if ("user" in session) {
    return (
      <>
        <Shell />
        <SignInAgain />
      </>
    );
  }
  return session.is === "nobody" ? <SignInPage /> : <Away />;
}

/** The page is there, and the gateway is not. */
function Away() {
  const t = useAppText();
  const link = useLink();
  useEffect(() => {
    if (link.isUp) void askWho();
    const timer = setInterval(() => void askWho(), 3000);
    return () => clearInterval(timer);
  }, [link.isUp]);
  return (
    <main className="away">
      <h1>{t("product")}</h1>
      <p role="status">{t("link.away")}</p>
    </main>
  );
}
