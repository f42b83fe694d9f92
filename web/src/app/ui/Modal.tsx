import { type ModalProps, Modal as Plain } from "@mantine/core";
import { useEffect, useState } from "react";

/**
 * A dialog that is there while it is open, and gives the focus back to where it was, so that whoever
 * goes by keys goes on from there; if that is gone meanwhile, to the page's heading.
 */
export function Modal(props: ModalProps) {
  useFocusBack();
  return <Plain returnFocus={false} {...props} />;
}

/** What had the focus before the first of the dialogs that came one after the other. */
let origin: Element | null = null;

function useFocusBack(): void {
  const [before] = useState(() => {
    const active = document.activeElement;
    if (active !== document.body && !active?.closest("[role=dialog]")) origin = active;
    return active;
  });
  useEffect(
    () => () => {
      // Somebody may have gone on already, as to another page.
      if (document.activeElement !== document.body) return;
      const places = [before, origin, document.querySelector("main h1")];
      const place = places.find((one) => one?.isConnected && one !== document.body);
      if (place instanceof HTMLElement) place.focus({ preventScroll: true });
    },
    [before],
  );
}
