import { Fn, Stack, type StackProps } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

export interface NetworkProps extends StackProps {
  readonly availabilityZones: readonly string[] | undefined;
}

/** A VPC of two zones. KMS and DynamoDB are reached without leaving it. */
export class NetworkStack extends Stack {
  readonly vpc: Vpc;
  readonly #zones: readonly string[] | undefined;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id, props);
    this.#zones = props.availabilityZones;
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.40.0.0/16'),
      maxAzs: 2,
      natGateways: 1,
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 24 },
        { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
      ],
      flowLogs: { rejected: { destination: FlowLogDestination.toCloudWatchLogs() } },
    });
    this.vpc.addGatewayEndpoint('DynamoDb', { service: GatewayVpcEndpointAwsService.DYNAMODB });
    this.vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
    this.vpc.addInterfaceEndpoint('Kms', { service: InterfaceVpcEndpointAwsService.KMS });
  }

  /** Given, or the region's first two when it is deployed; never looked up: `synth` asks no network. */
  override get availabilityZones(): string[] {
    return [...(this.#zones ?? [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())])];
  }
}
