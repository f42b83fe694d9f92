import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useAppText } from "../texts";
import { Message } from "./states";

interface Props {
  children: ReactNode;
}

/** Keeps a fault of what is inside from taking the rest of the page with it. */
export class ErrorBoundary extends Component<Props, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    return this.state.isBroken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const t = useAppText();
  return (
    <Message icon="alert" title={t("broken.title")} isAlert>
      <p>{t("broken.text")}</p>
      <Button onClick={() => location.reload()}>{t("broken.reload")}</Button>
    </Message>
  );
}
