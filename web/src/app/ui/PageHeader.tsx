import { type ReactNode, useEffect, useRef } from "react";
import { hasNavigated } from "../navigation";
import { useAppText } from "../texts";
import styles from "./ui.module.css";

interface Props {
  title: string;
  description?: ReactNode;
  /** Buttons at its end. */
  children?: ReactNode;
}

/** A page's heading: names the window too, and takes the focus when somebody comes from another page. */
export function PageHeader({ title, description, children }: Props) {
  const t = useAppText();
  const heading = useRef<HTMLHeadingElement>(null);
  const product = t("product");
  useEffect(() => {
    document.title = `${title} · ${product}`;
  }, [title, product]);
  useEffect(() => {
    if (hasNavigated()) heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return (
    <div className={styles.pageHeader}>
      <div>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {description && <p>{description}</p>}
      </div>
      {children && <div className={styles.pageActions}>{children}</div>}
    </div>
  );
}
