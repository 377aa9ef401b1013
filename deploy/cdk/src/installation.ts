import { Tags, Validations, type App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acceptFindings } from './accepted';
import type { Installation } from './config';
import { DoorStack } from './door-stack';
import { NetworkStack } from './network-stack';
import { RuntimeStack } from './runtime-stack';
import { VaultStack } from './vault-stack';
import { WatchStack } from './watch-stack';

/** The five stacks of one installation, in the order in which they need each other. `synth` fails on what cdk-nag finds and accepted.ts does not explain. */
export function installLatchkey(app: App, installation: Installation) {
  const env = { region: installation.region, ...(installation.account ? { account: installation.account } : {}) };
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
  const watch = new WatchStack(app, name('Watch'), { env, alarmEmail: installation.alarmEmail });
  Tags.of(app).add('application', 'latchkey');
  const stacks = { network, vault, runtime, door, watch };
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  acceptFindings(stacks);
  return stacks;
}
