import { randomUUID } from 'node:crypto';
import type { ServiceContext } from '@latchkey/runtime';

/** An event of this process, now, in CloudEvents' envelope. The id makes retries one event. */
export function cloudEvent<Type extends string, Data>(
  { name, instance }: Pick<ServiceContext, 'name' | 'instance'>,
  type: Type,
  subject: string | undefined,
  data: Data,
  traceparent?: string,
) {
  return {
    specversion: '1.0' as const,
    id: randomUUID(),
    source: `/latchkey/${name}/${instance}`,
    type,
    time: new Date().toISOString(),
    ...(subject !== undefined && { subject }),
    datacontenttype: 'application/json' as const,
    ...(traceparent !== undefined && { traceparent }),
    data,
  };
}
