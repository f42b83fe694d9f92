import { Link, useRoute } from "wouter";
import parts from "./parts.module.css";

interface Props {
  label: string;
  sections: readonly { path: string; name: string }[];
}

/** The pages that belong together, as tabs that are links. */
export function Sections({ label, sections }: Props) {
  return (
    <nav className={parts.sections} aria-label={label}>
      {sections.map((section) => (
        <Section key={section.path} {...section} />
      ))}
    </nav>
  );
}

function Section({ path, name }: { path: string; name: string }) {
  const [isHere] = useRoute(path);
  return (
    <Link href={path} aria-current={isHere ? "page" : undefined}>
      {name}
    </Link>
  );
}
