import { App, Tags } from 'aws-cdk-lib';
import type { Installation } from './config';
import { DoorStack } from './door-stack';
import { NetworkStack } from './network-stack';
import { RuntimeStack } from './runtime-stack';
import { VaultStack } from './vault-stack';
import { WatchStack } from './watch-stack';

/** The five stacks of one installation, in the order in which they need each other. */
export function installLatchkey(app: App, installation: Installation) {
  const env = { region: installation.region, ...(installation.account ? { account: installation.account } : {}) };
  const name = (part: string) => `${installation.name}${part}`;
  const network = new NetworkStack(app, name('Network'), { env, availabilityZones: installation.availabilityZones });
  const vault = new VaultStack(app, name('Vault'), { env });
  const runtime = new RuntimeStack(app, name('Runtime'), { env, installation, vpc: network.vpc, vault });
  const door = new DoorStack(app, name('Door'), {
    env,
    encryptors: installation.encryptors,
    gatewayBalancer: runtime.gatewayBalancer,
    doorSecret: runtime.doorSecret,
  });
  const watch = new WatchStack(app, name('Watch'), { env, alarmEmail: installation.alarmEmail });
  Tags.of(app).add('application', 'latchkey');
  return { network, vault, runtime, door, watch };
}
