import { Button } from "@mantine/core";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "wouter";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { Loaded } from "../../../ui/states";
import parts from "../parts/parts.module.css";
import { Allocations } from "./Allocations";
import { type Term, useTerm } from "./data";
import { PublishDialog } from "./PublishDialog";
import { TermState } from "./TermsPage";
import { TimetableUpload } from "./TimetableUpload";
import { useTermsText } from "./texts";

export default function TermPage() {
  const { id = "" } = useParams();
  return <Loaded query={useTerm(id)}>{(term) => <Inside term={term} />}</Loaded>;
}

function Inside({ term }: { term: Term }) {
  const t = useTermsText();
  const formats = useFormats();
  const [params] = useSearchParams();
  const [isPublishing, setPublishing] = useState(false);
  const isUpload = params.get("part") === "timetable";
  const here = `/manage/terms/${term.id}`;
  return (
    <>
      <PageHeader
        title={term.name}
        description={
          <span className={parts.row}>
            {`${formats.day(term.start_date)} – ${formats.day(term.end_date)}`}
            <TermState term={term} />
          </span>
        }
      >
        <Button
          component={Link}
          href="/manage/terms"
          variant="default"
          leftSection={<Icon name="back" size={18} />}
        >
          {t("allTerms")}
        </Button>
        {!term.is_published && <Button onClick={() => setPublishing(true)}>{t("publish")}</Button>}
      </PageHeader>
      <nav className={parts.sections} aria-label={t("sections")}>
        <Link href={here} aria-current={isUpload ? undefined : "page"}>
          {t("allocations")}
        </Link>
        <Link href={`${here}?part=timetable`} aria-current={isUpload ? "page" : undefined}>
          {t("timetable")}
        </Link>
      </nav>
      {isUpload ? <TimetableUpload term={term} /> : <Allocations term={term} />}
      {isPublishing && <PublishDialog term={term} close={() => setPublishing(false)} />}
    </>
  );
}
