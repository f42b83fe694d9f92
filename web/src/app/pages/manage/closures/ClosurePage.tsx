import { type ReactNode, useState } from "react";
import { type EditorProps, KeptPage, type KeptPageProps } from "../parts/KeptPage";
import { ClosureSections, type Met, MetDialog } from "./parts";
import { useClosuresText } from "./texts";

export interface ClosureEditorProps<Row> extends Omit<EditorProps<Row>, "done"> {
  /** It was written. */
  done: (made: { allocations?: Met | null }) => Promise<unknown>;
}

interface Props<Row>
  extends Omit<KeptPageProps<Row>, "title" | "deleteFollows" | "beside" | "editor" | "children"> {
  kind: "blackouts" | "holidays";
  editor: (props: ClosureEditorProps<Row>) => ReactNode;
}

/** Closures of a kind; of one that was written it is told which allocations it meets. */
export function ClosurePage<Row extends { id: number }>({ editor, ...kept }: Props<Row>) {
  const t = useClosuresText();
  const [met, setMet] = useState<Met>();
  return (
    <>
      <KeptPage<Row>
        {...kept}
        title={t(kept.kind)}
        beside={["closures"]}
        deleteFollows={t("deleteFollows")}
        editor={(props) =>
          editor({
            ...props,
            done: ({ allocations }) => {
              setMet(allocations ?? undefined);
              return props.done();
            },
          })
        }
      >
        <ClosureSections />
      </KeptPage>
      {met && <MetDialog met={met} close={() => setMet(undefined)} />}
    </>
  );
}
