import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, type StackProps } from 'aws-cdk-lib';
import { CfnAlarm, CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface WatchProps extends StackProps {
  readonly alarmEmail: string | undefined;
}

/** deploy/cloudwatch as it is: the dashboard, and every alarm with one topic to tell. */
export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id, props);
    const topic = this.#topic(props.alarmEmail);
    new CfnDashboard(this, 'Dashboard', {
      dashboardName: id,
      dashboardBody: this.resolveRegion(readCloudWatch('dashboard.json')),
    });
    for (const alarm of JSON.parse(readCloudWatch('alarms.json')) as AlarmFile) {
      new CfnAlarm(this, alarm.name, {
        ...alarm.properties,
        alarmName: `${id}-${alarm.name}`,
        alarmActions: [topic.topicArn],
        okActions: [topic.topicArn],
      } as ConstructorParameters<typeof CfnAlarm>[2]);
    }
  }

  resolveRegion(text: string): string {
    return text.replaceAll('${AWS::Region}', this.region);
  }

  #topic(email: string | undefined): Topic {
    const key = new Key(this, 'AlarmKey', { enableKeyRotation: true });
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
      }),
    );
    const topic = new Topic(this, 'Alarms', { masterKey: key, enforceSSL: true });
    if (email) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }
}

type AlarmFile = readonly { readonly name: string; readonly properties: object }[];

function readCloudWatch(file: string): string {
  return readFileSync(join(__dirname, '..', '..', 'cloudwatch', file), 'utf8');
}
