import { Tags, Validations, type App, type Environment, type Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acceptFindings } from './accepted';
import type { Installation } from './config';
import { DoorStack } from './door-stack';
import { NetworkStack } from './network-stack';
import { PodAccessStack } from './pod-access-stack';
import { RuntimeStack } from './runtime-stack';
import { VaultStack } from './vault-stack';
import { WatchStack } from './watch-stack';

/** The five stacks of one installation, in the order in which they need each other. `synth` fails on what cdk-nag finds and accepted.ts does not explain. */
export function installLatchkey(app: App, installation: Installation) {
  const env = envOf(installation);
  const name = (part: string) => `${installation.name}${part}`;
  const network = new NetworkStack(app, name('Network'), { env, availabilityZones: installation.availabilityZones });
  const vault = new VaultStack(app, name('Vault'), { env, installation });
  const runtime = new RuntimeStack(app, name('Runtime'), { env, installation, vpc: network.vpc, vault });
  const door = new DoorStack(app, name('Door'), {
    env,
    encryptors: vault.encryptors,
    gatewayBalancer: runtime.gatewayBalancer,
    doorSecret: vault.secrets.door,
  });
  const watch = new WatchStack(app, name('Watch'), {
    env,
    alarmEmail: installation.alarmEmail,
    api: door.api,
    gatewayTargets: runtime.gatewayTargets,
    deliveryTargets: runtime.deliveryTargets,
  });
  const stacks = { network, vault, runtime, door, watch };
  check(app, stacks);
  return stacks;
}

/** Beside a cluster that runs the services: the vault, what pods may do with it, and the door when there is something behind it. */
export function installForEks(app: App, installation: Installation, cluster: NonNullable<Installation['eks']>) {
  const env = envOf(installation);
  const name = (part: string) => `${installation.name}${part}`;
  const vault = new VaultStack(app, name('Vault'), { env, installation });
  const pods = new PodAccessStack(app, name('Pods'), { env, vault, installation, cluster });
  const { gatewayBalancer } = cluster;
  const door =
    gatewayBalancer &&
    new DoorStack(app, name('Door'), {
      env,
      encryptors: vault.encryptors,
      gatewayBalancer,
      doorSecret: vault.secrets.door,
    });
  const stacks = { vault, pods, ...(door && { door }) };
  check(app, stacks);
  return stacks;
}

function envOf({ region, account }: Installation): Environment {
  return { region, ...(account ? { account } : {}) };
}

/** `synth` fails on what is found and not explained. */
function check(app: App, stacks: Readonly<Record<string, Stack>>): void {
  Tags.of(app).add('application', 'latchkey');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  acceptFindings(stacks);
}
