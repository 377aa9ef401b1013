import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { CfnAlarm, CfnDashboard, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ApplicationTargetGroup, NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface WatchProps extends StackProps {
  readonly alarmEmail: string | undefined;
  readonly api: RestApi;
  readonly gatewayTargets: NetworkTargetGroup;
  readonly deliveryTargets: ApplicationTargetGroup;
}

/** deploy/cloudwatch as it is: the dashboard, and every alarm with one topic to tell. Besides, what a service that is gone cannot say itself. */
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
    for (const [name, alarm] of Object.entries(outsideAlarms(props))) {
      const { metric, ...rest } = alarm;
      metric
        .createAlarm(this, name, { ...rest, alarmName: `${id}-${name}`, evaluationPeriods: 3, datapointsToAlarm: 2 })
        .addAlarmAction(new SnsAction(topic));
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

/** What is seen from before the services. */
function outsideAlarms({ api, gatewayTargets, deliveryTargets }: WatchProps) {
  const period = Duration.minutes(1);
  const none = { threshold: 1, comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD } as const;
  return {
    DoorFails: {
      metric: api.metricServerError({ period, statistic: 'Average' }),
      alarmDescription:
        'API Gateway answers more than 5 % of requests with 5xx: the gateway is not reached, or refuses.',
      threshold: 0.05,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    },
    NoGateway: {
      metric: gatewayTargets.metrics.healthyHostCount({ period, statistic: 'Minimum' }),
      alarmDescription: 'No SPEKE gateway is ready: encryptors get no keys.',
      ...none,
      treatMissingData: TreatMissingData.BREACHING,
    },
    NoDelivery: {
      metric: deliveryTargets.metrics.healthyHostCount({ period, statistic: 'Minimum' }),
      alarmDescription: 'No key-delivery is ready: players get no keys.',
      ...none,
      treatMissingData: TreatMissingData.BREACHING,
    },
  };
}

type AlarmFile = readonly { readonly name: string; readonly properties: object }[];

function readCloudWatch(file: string): string {
  return readFileSync(join(__dirname, '..', '..', 'cloudwatch', file), 'utf8');
}
