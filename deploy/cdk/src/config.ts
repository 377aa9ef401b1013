import { z } from 'zod';

const certificateArn = z.string().regex(/^arn:aws[a-z-]*:acm:/, 'the ARN of a certificate in ACM');

const secretArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:secretsmanager:.+-[A-Za-z0-9]{6}$/,
    'the whole ARN of a secret, with its last six characters',
  );

/**
 * What an installation chooses. Everything has a default but the region: `cdk deploy` in an empty account works with
 * `CDK_DEFAULT_REGION` alone; production sets it in `LATCHKEY_CDK_CONFIG`, a JSON text.
 */
const settings = z.strictObject({
  /** Prefix of the stacks' names; two installations in one account need two. */
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,30}$/)
    .default('Latchkey'),
  region: z.string().min(1),
  account: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  /** Named, not looked up, so that `synth` needs no network. */
  availabilityZones: z.array(z.string()).min(2).optional(),
  /** ECR repositories are `<imagePrefix>/<app>`; the tag is the release. */
  imagePrefix: z.string().default('latchkey'),
  imageTag: z.string().default('0.1.0'),
  /** An existing NATS with JetStream, with the users of deploy/nats; without it one runs on Fargate. */
  natsUrl: z
    .string()
    .regex(/^tls:\/\//, 'tls://host:port: what crosses the bus is for nobody else')
    .optional(),
  /** Copies of the event stream: 3 in a NATS cluster. */
  natsReplicas: z.union([z.literal(1), z.literal(3), z.literal(5)]).default(1),
  /** Where players find their keys, if not under CloudFront's own name. The certificate is one of us-east-1. */
  delivery: z.strictObject({ domainName: z.hostname(), certificateArn }).optional(),
  /** Makes the console reachable: HTTPS inside the VPC, for these networks (of a VPN, of Direct Connect). */
  console: z
    .strictObject({ domainName: z.hostname(), certificateArn, networks: z.array(z.cidrv4()).min(1) })
    .optional(),
  /** The ARN of a Secrets Manager secret that holds the tenants file; without it there is one tenant, `default`, for this account's media services. */
  tenantsSecretArn: secretArn.optional(),
  /** Tenants are rows of a table, which `npm run tenants` changes and services read without a restart, in the place of that secret. */
  tenantsTable: z.boolean().default(false),
  /**
   * Where the monitor sends events besides (docs/console.md): a secret that holds its BRIDGES_FILE, and the EventBridge buses that
   * stand in it, by name or ARN.
   */
  bridges: z
    .strictObject({
      secretArn,
      eventBuses: z
        .array(
          z
            .string()
            .regex(
              /^(arn:aws[a-z-]*:events:[^:]+:\d{12}:event-bus\/)?[\w./-]{1,256}$/,
              'the name or ARN of an event bus',
            ),
        )
        .default([]),
    })
    .optional(),
  /**
   * The services run on this cluster (deploy/kubernetes), and only what they need of AWS is made. With the load balancer
   * that their gateway got there, the media services' door too.
   */
  eks: z
    .strictObject({
      clusterName: z.string().min(1),
      namespace: z.string().default('latchkey'),
      gatewayBalancer: z
        .strictObject({
          arn: z.string().regex(/^arn:aws[a-z-]*:elasticloadbalancing:.+loadbalancer\/net\//),
          dnsName: z.hostname(),
        })
        .optional(),
    })
    .optional(),
  /** Services that may ask for keys through API Gateway. */
  encryptors: z
    .array(z.enum(['mediapackage', 'mediapackagev2', 'mediaconvert']))
    .min(1)
    .default(['mediapackage', 'mediapackagev2', 'mediaconvert']),
  /** Alarms are sent to this address, if there is one. */
  alarmEmail: z.email().optional(),
  /** Fargate tasks at least and at most, for each service on a request's way. */
  tasks: z
    .strictObject({ min: z.number().int().min(1), max: z.number().int().min(1) })
    .refine(({ min, max }) => min <= max, 'min is more than max')
    .default({ min: 2, max: 10 }),
});
export const installationSchema = settings.refine(
  ({ tenantsTable, tenantsSecretArn }) => !(tenantsTable && tenantsSecretArn),
  'tenantsTable, tenantsSecretArn: tenants are in a table or in a secret',
);
export type Installation = z.infer<typeof installationSchema>;
export type EncryptorService = Installation['encryptors'][number];

/** Throws with the names of what is wrong. */
export function readInstallation(environment: Readonly<Record<string, string | undefined>>): Installation {
  const chosen: unknown = JSON.parse(environment['LATCHKEY_CDK_CONFIG'] || '{}');
  const defaults = {
    region: environment['CDK_DEFAULT_REGION'] || 'us-east-1',
    ...(environment['CDK_DEFAULT_ACCOUNT'] ? { account: environment['CDK_DEFAULT_ACCOUNT'] } : {}),
  };
  const result = installationSchema.safeParse({ ...defaults, ...(chosen as object) });
  if (result.success) return result.data;
  throw new Error(`LATCHKEY_CDK_CONFIG is not right:\n${z.prettifyError(result.error)}`);
}
