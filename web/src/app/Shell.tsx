import { ActionIcon, Drawer, Indicator } from "@mantine/core";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Link, Route, Switch, useLocation, useRoute } from "wouter";
import { useFormats } from "./formats";
import { noteNavigation } from "./navigation";
import { useNotificationToasts, useUnread } from "./notifications";
import { GROUPS, PAGES, type PageEntry } from "./routes";
import styles from "./Shell.module.css";
import { type Role, useUser } from "./session";
import { useLanguage } from "./text";
import { useAppText } from "./texts";
import { UserMenu } from "./UserMenu";
import { Banner } from "./ui/Banner";
import { ErrorBoundary } from "./ui/ErrorBoundary";
import { Icon } from "./ui/icons";
import { Forbidden, NotFound } from "./ui/Lost";
import { PageLoading } from "./ui/states";

const LAZY = new Map(PAGES.map((page) => [page.path, lazy(page.load)]));
/** How many pages have a place of their own at the foot of a phone. */
const AT_THE_FOOT = 4;

const isFor = (role: Role) => (page: PageEntry) => !page.roles || page.roles.includes(role);

/** What is around every page: the way in, the navigation, and what is to be said on all of them. */
export function Shell() {
  const t = useAppText();
  const { role } = useUser();
  const [location] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const pages = useMemo(
    () => PAGES.filter((page) => page.group !== undefined).filter(isFor(role)),
    [role],
  );

  useNotificationToasts();
  useEffect(() => {
    noteNavigation(location);
    setOpen(false);
  }, [location]);

  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        {t("skip")}
      </a>
      <header className={styles.header}>
        <ActionIcon
          className={styles.burger}
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={t("nav.menu")}
          aria-expanded={isOpen}
          onClick={() => setOpen(true)}
        >
          <Icon name="menu" />
        </ActionIcon>
        <Link href="/" className={styles.brand}>
          <img src="/app/icon.svg" alt="" width={28} height={28} />
          <span>{t("product")}</span>
        </Link>
        <div className={styles.tools}>
          <Bell />
          <UserMenu />
        </div>
      </header>
      <nav className={styles.side} aria-label={t("nav.label")}>
        <Navigation pages={pages} />
      </nav>
      <div className={styles.main}>
        <Banner />
        <main id="content" tabIndex={-1}>
          <ErrorBoundary key={location}>
            <Suspense fallback={<PageLoading />}>
              <Switch>
                {PAGES.map((page) => (
                  <Route key={page.path} path={page.path}>
                    <Page page={page} />
                  </Route>
                ))}
                <Route>
                  <NotFound />
                </Route>
              </Switch>
            </Suspense>
          </ErrorBoundary>
        </main>
      </div>
      <nav className={styles.foot} aria-label={t("nav.label")}>
        {pages.slice(0, AT_THE_FOOT).map((page) => (
          <Item key={page.path} page={page} />
        ))}
      </nav>
      <Drawer
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={t("product")}
        size={280}
        closeButtonProps={{ "aria-label": t("close") }}
      >
        <nav aria-label={t("nav.menu")}>
          <Navigation pages={pages} />
        </nav>
      </Drawer>
    </div>
  );
}

function Page({ page }: { page: PageEntry }) {
  const { role } = useUser();
  const Shown = LAZY.get(page.path);
  if (Shown === undefined) return <NotFound />;
  return isFor(role)(page) ? <Shown /> : <Forbidden roles={page.roles ?? []} />;
}

function Navigation({ pages }: { pages: readonly PageEntry[] }) {
  const t = useAppText();
  const groups = GROUPS.map((group) => ({
    group,
    shown: pages.filter((page) => page.group === group),
  })).filter(({ shown }) => shown.length > 0);
  return groups.map(({ group, shown }) => (
    <section key={group} className={styles.group}>
      {groups.length > 1 && <h2>{t(`nav.${group}`)}</h2>}
      <ul>
        {shown.map((page) => (
          <li key={page.path}>
            <Item page={page} />
          </li>
        ))}
      </ul>
    </section>
  ));
}

function Item({ page }: { page: PageEntry }) {
  const language = useLanguage();
  const [isHere] = useRoute(page.path);
  const [isWithin] = useRoute(page.path === "/" ? "/" : `${page.path}/*`);
  return (
    <Link
      href={page.path}
      className={styles.item}
      aria-current={isHere ? "page" : isWithin ? "true" : undefined}
      // Loaded while the pointer is still on its way.
      onPointerEnter={() => void page.load()}
    >
      <Icon name={page.icon} />
      <span>{page.name[language]}</span>
    </Link>
  );
}

function Bell() {
  const language = useLanguage();
  const formats = useFormats();
  const unread = useUnread();
  const page = PAGES.find(({ path }) => path === "/notifications");
  const name = page?.name[language] ?? "";
  return (
    <Indicator
      disabled={unread === 0}
      label={formats.number(Math.min(unread, 99))}
      size={16}
      offset={5}
      color="red"
    >
      <ActionIcon
        component={Link}
        href="/notifications"
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={unread === 0 ? name : `${name}: ${formats.number(unread)}`}
      >
        <Icon name="bell" />
      </ActionIcon>
    </Indicator>
  );
}
