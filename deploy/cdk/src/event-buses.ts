import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Installation } from './config';

/** The monitor may put events on the buses that its bridges name, and on no others. */
export function allowEventBuses(scope: Construct, monitor: IGrantable, { bridges }: Installation): void {
  const buses = bridges?.eventBuses ?? [];
  if (buses.length === 0) return;
  monitor.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['events:PutEvents'], resources: buses.map((bus) => arnOf(scope, bus)) }),
  );
}

function arnOf(scope: Construct, bus: string): string {
  if (bus.startsWith('arn:')) return bus;
  return Stack.of(scope).formatArn({
    service: 'events',
    resource: 'event-bus',
    resourceName: bus,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
