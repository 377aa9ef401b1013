import {
  ActionIcon,
  Alert,
  AppShell,
  Badge,
  Burger,
  Button,
  Group,
  Loader,
  NavLink,
  Text,
  Title,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
  VisuallyHidden,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { lazy, Suspense, type ReactElement } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import type { Role } from '../../src/access/principal';
import { useLiveStream, type Live } from './live';
import { ContentPage } from './pages/content-page';
import { ExchangesPage } from './pages/exchanges-page';
import { HealthPage } from './pages/health-page';
import { InspectorPage } from './pages/inspector-page';
import { KeysPage } from './pages/keys-page';
import { LedgerPage } from './pages/ledger-page';
import { RotationPage } from './pages/rotation-page';
import { SignInPage } from './pages/sign-in-page';
import { useSession } from './session';

/** The charts are half of all the code: other pages need not wait for them. */
const OverviewPage = lazy(() => import('./pages/overview-page').then((page) => ({ default: page.OverviewPage })));

interface PageRow {
  readonly path: string;
  readonly name: string;
  readonly role: Role;
  readonly page: (live: Live) => ReactElement;
}

const PAGES: readonly PageRow[] = [
  { path: '/', name: 'Overview', role: 'viewer', page: (live) => <OverviewPage live={live} /> },
  { path: '/rotation', name: 'Rotation', role: 'viewer', page: (live) => <RotationPage live={live} /> },
  { path: '/keys', name: 'Key search', role: 'viewer', page: () => <KeysPage /> },
  { path: '/exchanges', name: 'Exchanges', role: 'viewer', page: (live) => <ExchangesPage live={live} /> },
  { path: '/contents', name: 'Content', role: 'viewer', page: () => <ContentPage /> },
  { path: '/inspector', name: 'CPIX inspector', role: 'viewer', page: () => <InspectorPage /> },
  { path: '/ledger', name: 'Ledger', role: 'auditor', page: () => <LedgerPage /> },
  { path: '/health', name: 'Health of parts', role: 'viewer', page: () => <HealthPage /> },
];

export function Console() {
  const { answer, failed } = useSession();
  if (answer && !answer.principal) return <SignInPage />;
  if (!answer) {
    return failed ? (
      <Alert color="red" m="md" title="The console cannot be reached">
        {failed.message}
      </Alert>
    ) : null;
  }
  return <House />;
}

function House() {
  const live = useLiveStream();
  const [location] = useLocation();
  const [opened, { toggle, close }] = useDisclosure();
  const { has } = useSession();
  const missed = live.rotation?.rows.filter(({ state }) => state === 'missed').length ?? 0;
  const pages = PAGES.filter(({ role }) => role === 'viewer' || has(role));
  const named = pages.find(({ path }) => path === location);
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="md"
    >
      <a href="#main" className="skip-link">
        Skip to the page
      </a>
      <title>{named ? `${named.name} · Latchkey console` : 'Latchkey console'}</title>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <img src={icon} alt="" width="26" height="26" />
            <Text fw={700}>Latchkey</Text>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Badge color={live.connected ? 'teal' : 'gray'} variant="dot" role="status">
              {live.connected ? 'Live' : 'Connecting'}
            </Badge>
            <ColorSchemeButton />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <nav aria-label="Pages">
          {pages.map(({ path, name }) => (
            <NavLink
              key={path}
              component={Link}
              href={path}
              label={name}
              active={path === location}
              aria-current={path === location ? 'page' : undefined}
              onClick={close}
              rightSection={path === '/rotation' && missed > 0 ? <MissedBadge count={missed} /> : undefined}
            />
          ))}
        </nav>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <MissedAnnouncement live={live} />
        <Title order={1} size="h2" mb="md">
          {named?.name ?? 'Not here'}
        </Title>
        <Switch>
          {pages.map(({ path, page }) => (
            <Route key={path} path={path}>
              <Suspense fallback={<Loader aria-label="Loading" />}>{page(live)}</Suspense>
            </Route>
          ))}
          <Route>
            <Text>There is no such page.</Text>
          </Route>
        </Switch>
      </AppShell.Main>
    </AppShell>
  );
}

const icon = new URL('../icon.svg', import.meta.url).href;

function MissedBadge({ count }: { readonly count: number }) {
  return (
    <Badge color="red" size="sm" circle>
      {count}
      <VisuallyHidden> missed</VisuallyHidden>
    </Badge>
  );
}

/** Told by a screen reader when it changes, whatever page is open. */
function MissedAnnouncement({ live }: { readonly live: Live }) {
  const missed = live.rotation?.rows.filter(({ state }) => state === 'missed') ?? [];
  const names = missed.slice(0, 3).map(({ contentId }) => contentId);
  const more = missed.length > names.length ? ` and ${missed.length - names.length} more` : '';
  return (
    <VisuallyHidden role="alert">
      {missed.length > 0 ? `Rotation missed: ${names.join(', ')}${more}` : ''}
    </VisuallyHidden>
  );
}

function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const next = useComputedColorScheme('light') === 'light' ? 'dark' : 'light';
  return (
    <Tooltip label={`Show it ${next}`}>
      <ActionIcon variant="default" onClick={() => setColorScheme(next)} aria-label={`Show it ${next}`}>
        {next === 'dark' ? '☾' : '☀'}
      </ActionIcon>
    </Tooltip>
  );
}

function Account() {
  const { answer, signOut } = useSession();
  if (answer?.signIn.open) {
    return (
      <Tooltip label="Nobody is named who may see it: whoever reaches this console may look" multiline w={260}>
        <Badge color="yellow" tabIndex={0}>
          Open console
        </Badge>
      </Tooltip>
    );
  }
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" visibleFrom="sm">
        {answer?.principal?.id} ({answer?.principal?.roles.join(', ')})
      </Text>
      <Button size="compact-sm" variant="default" onClick={signOut}>
        Sign out
      </Button>
    </Group>
  );
}
