import { Alert, Button, Card, Center, Divider, PasswordInput, Stack, Title } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useSession } from '../session';

export function SignInPage() {
  const { answer, failed, signInWithToken, signInWithIssuer } = useSession();
  const [token, setToken] = useState('');
  const [refused, setRefused] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      setRefused((await signInWithToken(token.trim())) ? undefined : 'This token is not known, or no longer good.');
    } catch (error) {
      setRefused((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const problem = refused ?? failed?.message;
  return (
    <Center mih="100vh" p="md" component="main">
      <title>Sign in · Latchkey console</title>
      <Card withBorder w={400} maw="100%" padding="lg">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <Title order={1} size="h3">
              Latchkey console
            </Title>
            {problem && (
              <Alert color="red" role="alert">
                {problem}
              </Alert>
            )}
            {answer?.signIn.oidc && (
              <Button onClick={() => void signInWithIssuer()}>
                Sign in with {issuerName(answer.signIn.oidc.issuer)}
              </Button>
            )}
            {answer && !answer.signIn.oidc && !answer.signIn.tokens && (
              <Alert color="yellow">Nobody is named who may see this console: set CONSOLE_ACCESS_FILE.</Alert>
            )}
            {answer?.signIn.oidc && answer.signIn.tokens && <Divider label="or" />}
            {answer?.signIn.tokens && (
              <>
                <PasswordInput
                  label="Token"
                  description="Kept in this tab until it is closed."
                  autoComplete="off"
                  value={token}
                  onChange={(event) => setToken(event.currentTarget.value)}
                />
                <Button type="submit" variant="default" loading={busy} disabled={token.trim() === ''}>
                  Sign in with the token
                </Button>
              </>
            )}
          </Stack>
        </form>
      </Card>
    </Center>
  );
}

function issuerName(issuer: string): string {
  return new URL(issuer).host;
}
